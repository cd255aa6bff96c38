package httpserver

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/auth"
)

// Authenticate lets only requests with a good access token pass, and keeps
// its claims for Caller. Others get 401 with WWW-Authenticate (RFC 6750). What is
// said to a caller no cache keeps, its own browser's included, which the next
// person may use: a handler that thinks otherwise sets Cache-Control anew. It is
// for routes of NewRouter.
func Authenticate(v *auth.Verifier) gin.HandlerFunc {
	return func(c *gin.Context) {
		token, err := BearerToken(c.Request.Header)
		if err != nil {
			c.Header("WWW-Authenticate", `Bearer realm="souk"`)
			Fail(c, err)
			return
		}
		claims, err := v.Verify(c.Request.Context(), token)
		if err != nil {
			c.Header("WWW-Authenticate", `Bearer realm="souk", error="invalid_token"`)
			Fail(c, err)
			return
		}
		requestOf(c).caller = claims
		c.Writer.Header()["Cache-Control"] = []string{noStore} // already in canonical form
		c.Next()
	}
}

// noStore keeps a reply out of all caches (RFC 9111, section 5.2.2.5).
const noStore = "no-store"

// BearerToken returns the token of the one Authorization header, or an
// apperr.Unauthenticated.
func BearerToken(header http.Header) (string, error) {
	values := header["Authorization"]
	if len(values) != 1 {
		return "", errUnauthenticated()
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errUnauthenticated()
	}
	return token, nil
}

func errUnauthenticated() error {
	return apperr.New(apperr.Unauthenticated, "unauthenticated", "an access token is required")
}

// RequireRole lets only callers with the role pass; others get 403. It goes
// after Authenticate.
func RequireRole(role string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if Caller(c).Role != role {
			Fail(c, apperr.New(apperr.Forbidden, "forbidden", "this is not for your role"))
			return
		}
		c.Next()
	}
}

// Caller returns the claims of the request's access token. On a route without
// Authenticate they are zero: no user has the id 0. It is for routes of NewRouter.
func Caller(c *gin.Context) auth.Claims { return requestOf(c).caller }
