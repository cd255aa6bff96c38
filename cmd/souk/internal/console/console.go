// Package console prints progress for people: colours on a terminal, plain
// text anywhere else and with NO_COLOR.
package console

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"souk.example/pkg/plaintext"
)

// Console writes lines of progress, without what would steer a terminal. It is safe for concurrent use.
type Console struct {
	mu     sync.Mutex
	w      io.Writer
	colour bool
}

// New makes a console on w; it uses colour when w is a terminal and NO_COLOR
// is not set.
func New(w io.Writer) *Console {
	f, isFile := w.(*os.File)
	return &Console{w: w, colour: isFile && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""}
}

// Say prints a plain line.
func (c *Console) Say(format string, args ...any) { c.line("", "", format, args...) }

// Done prints something that has succeeded.
func (c *Console) Done(format string, args ...any) { c.line("32", "ok    ", format, args...) }

// Note prints something the reader should know.
func (c *Console) Note(format string, args ...any) { c.line("33", "note  ", format, args...) }

// Bad prints something that is wrong.
func (c *Console) Bad(format string, args ...any) { c.line("31", "bad   ", format, args...) }

func (c *Console) line(code, label, format string, args ...any) {
	if c.colour && code != "" {
		label = "\x1b[" + code + "m" + label + "\x1b[0m"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = io.WriteString(c.w, label)
	_, _ = fmt.Fprintf(plaintext.NewWriter(c.w), format+"\n", args...)
}

// Bytes renders a size the way people read memory, e.g. "212 MB".
func Bytes(n uint64) string { return fmt.Sprintf("%d MB", (n+500_000)/1_000_000) }
