package live

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// events streams as server-sent events (HTML, 9.2). Each has the order's time as its
// id, so that a client that comes back is told what it missed.
func (l *Live) events(c *gin.Context) {
	since := timestamp(c.GetHeader("Last-Event-Id")).time()
	l.stream(c, http.StatusOK, since, func(ctx context.Context, w http.ResponseWriter, f *follower) {
		header := w.Header()
		header.Set("Content-Type", "text/event-stream")
		header.Set("X-Accel-Buffering", "no") // nginx
		if _, err := fmt.Fprintf(w, "retry: %d\n\n", retry.Milliseconds()); err != nil {
			return
		}
		conn, _, _ := w.(http.Hijacker).Hijack()
		ctx, leave := context.WithCancel(ctx)
		left := make(chan struct{})
		go func() { // a client has nothing to say, but for its end
			defer close(left)
			defer leave()
			_, _ = io.Copy(io.Discard, conn)
		}()
		_ = f.follow(ctx, eventStream{conn}) // who listens comes back, and is told why then
		_ = conn.Close()
		<-left
	})
}

// eventStream is a listener to server-sent events.
type eventStream struct{ conn net.Conn }

// tell implements listener.
func (s eventStream) tell(news []entry) error {
	var text bytes.Buffer
	for _, e := range news {
		data, err := json.Marshal(e)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "id: %s\ndata: %s\n\n", e.At, data)
	}
	_, err := s.conn.Write(text.Bytes())
	return err
}

// beat implements listener.
func (s eventStream) beat() error {
	_, err := io.WriteString(s.conn, ":\n\n")
	return err
}
