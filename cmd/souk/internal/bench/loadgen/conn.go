package loadgen

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	answerTimeout = 15 * time.Second // longer than the platform's own deadlines
	maxIdle       = 5 * time.Second  // shorter than a server's patience with an idle connection
	maxAnswer     = 1 << 20          // bytes of a body
)

// conn is one kept-alive HTTP/1.1 connection, opened when it is needed.
type conn struct {
	address string
	dial    func(ctx context.Context, address string) (net.Conn, error)
	net     net.Conn
	reader  *bufio.Reader
	answer  fasthttp.Response // reused: net/http makes a map of the head, which is not looked at
	used    time.Time
}

// do sends a request and reads the answer; body is valid until the next call.
// It never repeats a request. After an error the next call connects anew.
func (c *conn) do(ctx context.Context, request []byte) (status int, body []byte, err error) {
	if err := c.connect(ctx); err != nil {
		return 0, nil, err
	}
	status, keep, err := c.exchange(request)
	if err != nil || !keep {
		c.close()
	}
	return status, c.answer.Body(), err
}

func (c *conn) connect(ctx context.Context) (err error) {
	if c.net != nil && time.Since(c.used) > maxIdle {
		c.close()
	}
	if c.net == nil {
		if c.net, err = c.dial(ctx, c.address); err != nil {
			c.net = nil
			return err
		}
		c.reader = bufio.NewReader(c.net)
	}
	c.used = time.Now()
	return c.net.SetDeadline(c.used.Add(answerTimeout))
}

func (c *conn) exchange(request []byte) (status int, keep bool, err error) {
	if _, err := c.net.Write(request); err != nil {
		return 0, false, err
	}
	if err := c.answer.ReadLimitBody(c.reader, maxAnswer); err != nil {
		return 0, false, err
	}
	return c.answer.StatusCode(), !c.answer.ConnectionClose(), nil
}

func (c *conn) close() {
	if c.net != nil {
		_ = c.net.Close()
		c.net = nil
	}
}

// createdID reads the id at the beginning of what was created, without decoding
// the rest: {"id":"123",…
func createdID(body []byte) (int64, bool) {
	value, found := stringField(body, "id")
	if !found {
		return 0, false
	}
	id, err := strconv.ParseInt(value, 10, 64)
	return id, err == nil
}

// refusal describes an answer that created nothing, e.g. "503 queue_full".
func refusal(status int, body []byte) string {
	if code, found := stringField(body, "code"); found {
		return fmt.Sprintf("%d %s", status, code)
	}
	return strconv.Itoa(status)
}

// stringField finds the first "name":"value" in compact JSON.
func stringField(body []byte, name string) (string, bool) {
	_, rest, found := bytes.Cut(body, []byte(`"`+name+`":"`))
	if !found {
		return "", false
	}
	value, _, found := bytes.Cut(rest, []byte(`"`))
	return string(value), found
}

// reason names an error without its addresses, so that equal ones add up.
func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, fasthttp.ErrTimeout):
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Sprintf("%s: %v", op.Op, op.Err)
	}
	return err.Error()
}
