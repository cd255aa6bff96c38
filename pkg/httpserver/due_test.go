package httpserver_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/pkg/telemetry"
)

// limited gives handle the context of a request that may take a second, and
// returns that context when the request is over.
func limited(t *testing.T, handle func(context.Context)) context.Context {
	t.Helper()
	router := httpserver.NewRouter(httpserver.Config{RequestTimeout: time.Second}, telemetry.Nop())
	var seen context.Context
	router.GET("/", func(c *gin.Context) {
		seen = c.Request.Context()
		handle(seen)
	})
	request(t, router, "GET", "/")
	return seen
}

func ended(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

func TestARequestEndsAtItsDeadline(t *testing.T) {
	for name, wait := range map[string]func(context.Context){
		"who waits is told":     func(ctx context.Context) { <-ctx.Done() },
		"so is who waited late": func(ctx context.Context) { time.Sleep(time.Second / 2); <-ctx.Done() },
		"and who only asks":     func(context.Context) { time.Sleep(time.Second) },
		"and what came of it": func(ctx context.Context) {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			<-child.Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limited(t, func(ctx context.Context) {
					began := time.Now()
					if at, ok := ctx.Deadline(); !ok || at.Sub(began) != time.Second || ctx.Err() != nil {
						t.Errorf("deadline %v %v, error %v", at, ok, ctx.Err())
					}
					wait(ctx)
					if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) || !ended(ctx) || time.Since(began) != time.Second {
						t.Errorf("after %v: %v, ended %v", time.Since(began), err, ended(ctx))
					}
				})
			})
		})
	}
}

func TestAnAnsweredRequestHasEnded(t *testing.T) {
	for name, handle := range map[string]func(context.Context){
		"nobody waited":  func(context.Context) {},
		"somebody waits": func(ctx context.Context) { ctx.Done() },
	} {
		ctx := limited(t, handle)
		if err := ctx.Err(); !errors.Is(err, context.Canceled) || !ended(ctx) {
			t.Errorf("%s: %v, ended %v", name, err, ended(ctx))
		}
	}
}

func TestARequestEndsWithItsClient(t *testing.T) {
	for name, look := range map[string]func(context.Context){"nobody waited": func(context.Context) {}, "somebody waits": func(ctx context.Context) { ctx.Done() }} {
		router := httpserver.NewRouter(httpserver.Config{}, telemetry.Nop())
		connection, leave := context.WithCancel(t.Context())
		router.GET("/", func(c *gin.Context) {
			ctx := c.Request.Context()
			look(ctx)
			leave()
			if err := ctx.Err(); !errors.Is(err, context.Canceled) || !ended(ctx) {
				t.Errorf("%s: %v, ended %v", name, err, ended(ctx))
			}
		})
		router.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(connection, "GET", "/", http.NoBody))
	}
}

// A child is told by its parent, not by a goroutine that waits for both.
func TestAChildOfARequestNeedsNoGoroutine(t *testing.T) {
	limited(t, func(ctx context.Context) {
		before := runtime.NumGoroutine()
		for range 10 {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			_ = child
		}
		if after := runtime.NumGoroutine(); after >= before+10 {
			t.Errorf("%d goroutines, then %d", before, after)
		}
	})
}
