package httpserver_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

func TestRequestsAreCountedByRouteMethodAndStatus(t *testing.T) {
	tel := telemetry.Nop()
	r := httpserver.NewRouter(httpserver.Config{}, tel)
	answer := func(c *gin.Context) {
		status, _ := strconv.Atoi(c.Param("status"))
		c.Status(status)
	}
	r.GET("/a/:status", answer)
	r.POST("/a/:status", answer)
	r.GET("/b/:status", answer)
	for _, line := range []string{"GET /a/200", "GET /a/200", "GET /a/404", "POST /a/200", "GET /b/200", "GET /none"} {
		method, path, _ := strings.Cut(line, " ")
		request(t, r, method, path)
	}
	const want = `
# HELP souk_http_requests_total Requests answered, by route pattern, method and status.
# TYPE souk_http_requests_total counter
souk_http_requests_total{method="GET",route="/a/:status",status="200"} 2
souk_http_requests_total{method="GET",route="/a/:status",status="404"} 1
souk_http_requests_total{method="POST",route="/a/:status",status="200"} 1
souk_http_requests_total{method="GET",route="/b/:status",status="200"} 1
souk_http_requests_total{method="GET",route="unmatched",status="404"} 1
`
	if err := testutil.GatherAndCompare(tel.Registry, strings.NewReader(want), "souk_http_requests_total"); err != nil {
		t.Error(err)
	}
}

type outsideKey struct{}

// A request's context is that of the server with what the router adds, and a
// handler may put one of its own in its place.
func TestHandlersMayReplaceTheContext(t *testing.T) {
	tel, log := logging(t)
	r := httpserver.NewRouter(httpserver.Config{}, tel)
	r.GET("/", func(c *gin.Context) {
		_, hasDeadline := c.Request.Context().Deadline()
		ctx, cancel := context.WithCancel(c.Request.Context())
		c.Request = c.Request.WithContext(context.WithValue(ctx, outsideKey{}, "mine"))
		cancel()
		id := httpserver.RequestIDFrom(c.Request.Context())
		if !hasDeadline || id != "one" || ctx.Err() == nil {
			t.Errorf("deadline %v, id %q, %v after cancel", hasDeadline, id, ctx.Err())
		}
	})
	request(t, r, "GET", "/", "X-Request-Id", "one")
	if !strings.Contains(log.String(), `"request_id":"one"`) {
		t.Errorf("log %s", log)
	}
}
