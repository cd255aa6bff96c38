package live

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
	"souk.example/services/gateway/internal/blocklist"
)

// Live is the two routes.
type Live struct {
	hub    *Hub
	orders Orders
	blocks *blocklist.Blocklist
}

// New makes a Live whose streams hub wakes.
func New(hub *Hub, orders Orders, blocks *blocklist.Blocklist) *Live {
	return &Live{hub: hub, orders: orders, blocks: blocks}
}

// Register adds the routes to r, for whoever has a token and is not shut out.
func (l *Live) Register(r gin.IRouter, v *auth.Verifier) {
	authenticate := httpserver.Authenticate(v)
	r.GET("/v1/events", authenticate, l.blocks.Users, l.events)
	r.GET("/v1/ws", wantsSocket, tokenFromProtocol, authenticate, l.blocks.Users, l.socket)
}

// stream has serve tell the caller's orders, from since on or from now, if there is
// room.
func (l *Live) stream(c *gin.Context, status int, since time.Time, serve func(context.Context, http.ResponseWriter, *follower)) {
	caller := httpserver.Caller(c)
	if err := l.hub.room(caller.UserID); err != nil {
		httpserver.Fail(c, err)
		return
	}
	if now := time.Now(); since.IsZero() || since.After(now) {
		since = now
	}
	f := &follower{
		orders: l.orders, request: c.Request, story: story{since: since}, expires: caller.ExpiresAt,
		blocked: func() bool { return l.blocks.Blocked(contracts.UserSubject(caller.UserID)) },
	}
	httpserver.Stream(c, status, func(ctx context.Context, w http.ResponseWriter) {
		ear, err := l.hub.listen(caller.UserID)
		if err != nil { // who came at the same time has taken the room
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer ear.close()
		f.ear = ear
		serve(ctx, w, f)
	})
}
