// Package loadgen sends HTTP requests at a steady rate, or as fast as the
// answers come, and measures how long the answers take.
//
// It is made to cost little beside the server on the same machine: requests are
// composed into a reused buffer and written straight to one kept-alive
// connection per client, without net/http's transport and its goroutines.
//
// With a rate the arrivals are open-loop: each request has its time, whether or
// not those before it were answered, and its latency counts from that time. A
// server that stalls is charged for everybody who had to wait, also for those
// whose request could not even be sent (no coordinated omission).
package loadgen

import (
	"context"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

// Load describes the requests to send. Targets, Clients, Length and Compose are
// required.
type Load struct {
	Targets []string      // host:port each; the clients are spread over them
	Clients int           // connections, and so the most requests under way
	Rate    float64       // arrivals per second; 0 is a closed loop
	Length  time.Duration // arrivals begin before this much time has passed
	// Compose appends request number n, a whole HTTP/1.1 request, to dst. The
	// numbers are unique and about ascending. Called concurrently.
	Compose func(dst []byte, n int64) []byte
	// Accept tells a good answer from an error, and the id of what was created,
	// 0 if nothing was. Default Created. Called concurrently.
	Accept func(status int, body []byte) (id int64, ok bool)
	// Dial connects to a target; default TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// Sample is one request that was answered well.
type Sample struct {
	At   time.Time     // when it was to be sent
	Late time.Duration // how much later it was sent
	Took time.Duration // from At to the end of the answer
	ID   int64         // of what was created
}

// Created accepts 201 and reads the id of what was created.
func Created(status int, body []byte) (id int64, ok bool) {
	id, ok = createdID(body)
	return id, ok && status == http.StatusCreated
}

// Status accepts one status, whatever the body.
func Status(want int) func(int, []byte) (int64, bool) {
	return func(status int, _ []byte) (int64, bool) { return 0, status == want }
}

// Outcome is what came of a load.
type Outcome struct {
	Samples []Sample
	Errors  map[string]int // every other answer, by status and error code
	Unsent  int            // arrivals that were given up: the server was far behind
}

// Run sends the load and blocks until every request has been answered or has
// failed, which takes at most 15 s. When ctx ends no more are sent.
func Run(ctx context.Context, l Load) Outcome {
	if l.Dial == nil {
		l.Dial = dialTCP
	}
	if l.Accept == nil {
		l.Accept = Created
	}
	schedule := newSchedule(time.Now(), l.Length, l.Rate)
	clients := make([]*client, l.Clients)
	var wg sync.WaitGroup
	for i := range clients {
		c := &client{
			load: l, schedule: schedule, errors: make(map[string]int),
			conn: conn{address: l.Targets[i%len(l.Targets)], dial: l.Dial},
		}
		clients[i] = c
		wg.Go(func() { c.run(ctx) })
	}
	wg.Wait()
	return merge(clients, schedule)
}

func merge(clients []*client, s *schedule) Outcome {
	out := Outcome{Errors: make(map[string]int), Unsent: s.unsent()}
	for _, c := range clients {
		out.Samples = append(out.Samples, c.samples...)
		for what := range maps.Keys(c.errors) {
			out.Errors[what] += c.errors[what]
		}
	}
	return out
}

// client sends one request at a time.
type client struct {
	load     Load
	schedule *schedule
	conn     conn
	request  []byte // reused
	samples  []Sample
	errors   map[string]int
}

func (c *client) run(ctx context.Context) {
	defer c.conn.close()
	for {
		n, at, due := c.schedule.next(ctx)
		if !due {
			return
		}
		c.send(ctx, n, at)
	}
}

func (c *client) send(ctx context.Context, n int64, at time.Time) {
	c.request = c.load.Compose(c.request[:0], n)
	late := time.Since(at)
	status, body, err := c.conn.do(ctx, c.request)
	took := time.Since(at)
	if err != nil {
		c.errors["no answer: "+reason(err)]++
		return
	}
	id, ok := c.load.Accept(status, body)
	if !ok {
		c.errors[refusal(status, body)]++
		return
	}
	c.samples = append(c.samples, Sample{At: at, Late: late, Took: took, ID: id})
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: answerTimeout}
	return d.DialContext(ctx, "tcp", address)
}
