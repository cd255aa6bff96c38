package logfile

import (
	"bytes"
	"io"
)

// Prefixer puts a prefix before every line it writes; it writes whole lines,
// so that several may share a writer in turn. Not safe for concurrent use.
type Prefixer struct {
	out     io.Writer
	prefix  string
	partial []byte // a line whose end has not come
}

// NewPrefixer returns a Prefixer that writes to out.
func NewPrefixer(out io.Writer, prefix string) *Prefixer {
	return &Prefixer{out: out, prefix: prefix}
}

// Write implements io.Writer.
func (p *Prefixer) Write(b []byte) (int, error) {
	p.partial = append(p.partial, b...)
	for {
		line, rest, whole := bytes.Cut(p.partial, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		if _, err := io.WriteString(p.out, p.prefix+string(line)+"\n"); err != nil {
			return 0, err
		}
		p.partial = rest
	}
}
