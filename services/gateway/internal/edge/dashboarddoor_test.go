package edge_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
)

// Where no part is had, a 401 or 403 is the whole reply, as it was said.
func TestTheDashboardIsNotForEverybody(t *testing.T) {
	for _, status := range []int{401, 403} {
		b := newBoard(t)
		b.orders, b.wallet = refused(t), refused(t)
		b.points = service(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.Header().Set("Content-Type", "application/problem+json")
			answers(status, `{"code":"theirs"}`)(w, nil)
		})
		w := b.get(t)
		if w.Code != status || w.Body.String() != `{"code":"theirs"}` || w.Header().Get("WWW-Authenticate") != "Bearer" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
		}
	}
}

// Nobody is asked for callers whom the edge itself turns away, nor for methods
// that the dashboard has not.
func TestTheDashboardsDoor(t *testing.T) {
	asked := service(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") })
	b := &board{orders: asked, wallet: asked, points: asked, admit: func(c *gin.Context) {
		httpserver.Fail(c, apperr.New(apperr.Forbidden, "blocked", "blocked"))
	}}
	if w := b.get(t); w.Code != 403 || code(w.Body.String()) != "blocked" {
		t.Errorf("blocked: %d %s", w.Code, w.Body)
	}
	if w := b.ask(t, "GET", http.Header{"Authorization": nil}); w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("without a token: %d %s", w.Code, w.Body)
	}
	if w := b.ask(t, "POST", nil); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("POST: %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := b.ask(t, "OPTIONS", nil); w.Code != 204 {
		t.Errorf("OPTIONS: %d %s", w.Code, w.Body)
	}
}
