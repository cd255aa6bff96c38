package telemetry

import (
	"io"
	"sync"
	"time"
)

// gatherSize is how many bytes of lines are written without waiting for more.
const gatherSize = 32 << 10

// gatherer writes lines together, at most delay after the first of them, since
// each write is a system call (as nginx's access_log buffer= flush=). A process
// that is killed loses those that waited. Safe for concurrent use; a Write
// blocks while lines are being written.
type gatherer struct {
	out   io.Writer
	delay time.Duration

	mu    sync.Mutex
	lines []byte
	due   *time.Timer // nil while no line waits
}

// Write implements io.Writer. What becomes of the lines nobody is told: there is
// no other place to tell it.
func (g *gatherer) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines = append(g.lines, line...)
	switch {
	case len(g.lines) >= gatherSize:
		g.write()
	case g.due == nil:
		g.due = time.AfterFunc(g.delay, g.Flush)
	}
	return len(line), nil
}

// Flush writes the lines that wait.
func (g *gatherer) Flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.write()
}

func (g *gatherer) write() {
	if g.due != nil {
		g.due.Stop()
		g.due = nil
	}
	if len(g.lines) > 0 {
		_, _ = g.out.Write(g.lines)
		g.lines = g.lines[:0]
	}
}
