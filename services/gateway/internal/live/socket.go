package live

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
)

const (
	// protocol is what a client may ask for beside its token, and is told it has.
	protocol = "souk.v1"
	// tokenPrefix marks the token among the protocols: a browser's WebSocket sends no
	// header of the page's choice but these.
	tokenPrefix = "bearer."
)

var (
	errNoUpgrade = apperr.New(apperr.Invalid, "upgrade_required", "this is for WebSocket, version 13")
	errHandshake = apperr.New(apperr.Invalid, "bad_handshake", "the WebSocket key is not 16 bytes in base64")
)

// tokenFromProtocol lets a WebSocket's token come as a protocol.
func tokenFromProtocol(c *gin.Context) {
	if c.GetHeader("Authorization") != "" {
		return
	}
	for name := range tokens(c.Request.Header, "Sec-Websocket-Protocol") {
		if token, ok := strings.CutPrefix(name, tokenPrefix); ok {
			c.Request.Header.Set("Authorization", "Bearer "+token)
		}
	}
}

// wantsSocket refuses what is no handshake of RFC 6455.
func wantsSocket(c *gin.Context) {
	header := c.Request.Header
	has := func(name, token string) bool {
		for t := range tokens(header, name) {
			if strings.EqualFold(t, token) {
				return true
			}
		}
		return false
	}
	if !c.Request.ProtoAtLeast(1, 1) || !has("Connection", "upgrade") || !has("Upgrade", "websocket") || header.Get("Sec-Websocket-Version") != "13" {
		c.Header("Upgrade", "websocket")
		c.Header("Sec-WebSocket-Version", "13")
		httpserver.FailStatus(c, http.StatusUpgradeRequired, errNoUpgrade)
		return
	}
	if key, err := base64.StdEncoding.DecodeString(header.Get("Sec-Websocket-Key")); err != nil || len(key) != 16 {
		httpserver.Fail(c, errHandshake)
	}
}

// tokens are the members of a header's lists.
func tokens(header http.Header, name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range header[name] {
			for t := range strings.SplitSeq(line, ",") {
				if !yield(strings.TrimSpace(t)) {
					return
				}
			}
		}
	}
}

// socket streams over WebSocket, an entry a message.
func (l *Live) socket(c *gin.Context) {
	r := c.Request
	l.stream(c, http.StatusSwitchingProtocols, time.Time{}, func(ctx context.Context, w http.ResponseWriter, f *follower) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			Subprotocols:       []string{protocol},
			InsecureSkipVerify: true, // edge.CORS has looked at the origin
		})
		if err != nil {
			return // it has answered
		}
		// The end of ctx must not end conn: it has to say why.
		gone := conn.CloseRead(context.WithoutCancel(ctx))
		ctx, leave := context.WithCancel(ctx)
		defer leave()
		defer context.AfterFunc(gone, leave)()
		err = f.follow(ctx, socket{conn})
		_ = conn.Close(farewell(err))
	})
}

// farewell is why the server ends a WebSocket.
func farewell(err error) (websocket.StatusCode, string) {
	if errors.Is(err, errExpired) || errors.Is(err, errRefused) {
		return websocket.StatusPolicyViolation, err.Error()
	}
	return websocket.StatusGoingAway, ""
}

// socket is a listener to a WebSocket.
type socket struct{ conn *websocket.Conn }

// tell implements listener. Each write has the connection's time limit.
func (s socket) tell(news []entry) error {
	for _, e := range news {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if err := s.conn.Write(context.Background(), websocket.MessageText, text); err != nil {
			return err
		}
	}
	return nil
}

// beat implements listener.
func (s socket) beat() error {
	ctx, cancel := context.WithTimeout(context.Background(), beat)
	defer cancel()
	return s.conn.Ping(ctx)
}
