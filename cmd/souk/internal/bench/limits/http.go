package limits

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"souk.example/cmd/souk/internal/bench/cputime"
	"souk.example/cmd/souk/internal/bench/figures"
	"souk.example/cmd/souk/internal/bench/loadgen"
)

// httpClients is the number of connections, as of `bench orders`.
const httpClients = 64

// orderRequest has the size of an order with its access token.
const orderRequest = "POST /v1/orders HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %0420d\r\n" +
	"Content-Type: application/json\r\nIdempotency-Key: bench-abcdefghij-%d\r\nContent-Length: %d\r\n\r\n%s"

const orderBody = `{"items":[{"sku":"BENCH-0001","quantity":1}],"payment":{"method":"wallet"}}`

// http counts the handler's CPU alone: nobody pays for the clients of a souk.
func (m meter) http(ctx context.Context) (_ []Limit, err error) {
	h, err := m.stack.Empty(ctx)
	if err != nil {
		return nil, fmt.Errorf("start an empty handler: %w", err)
	}
	defer func() { err = errors.Join(err, h.Stop()) }()
	l, used, done, err := m.observe(ctx, HTTPRequest, []cputime.Process{h.Process}, m.requests(h.Address))
	l.CPUUS = figures.MicrosecondsEach(used.Sum(), done)
	return []Limit{l}, err
}

func (m meter) requests(address string) work {
	load := loadgen.Load{
		Targets: []string{address}, Clients: httpClients, Length: m.cfg.Duration, Accept: loadgen.Status(http.StatusOK),
		Compose: func(dst []byte, n int64) []byte {
			return fmt.Appendf(dst, orderRequest, address, 0, n, len(orderBody), orderBody)
		},
	}
	return func(ctx context.Context) (done int, err error) {
		for done == 0 && ctx.Err() == nil { // again if the machine stood still all the while
			out := loadgen.Run(ctx, load)
			for what, n := range out.Errors {
				return 0, errors.Join(ctx.Err(), fmt.Errorf("%d requests: %s", n, what))
			}
			done = len(out.Samples)
		}
		return done, ctx.Err()
	}
}
