package httpserver

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
)

// headAsGet answers HEAD like GET; the server leaves the body away, because it
// goes by the request it has read.
func headAsGet(r *http.Request) *http.Request {
	if r.Method != http.MethodHead {
		return r
	}
	get := *r
	get.Method = http.MethodGet
	return &get
}

// otherMethod answers a method that no route of the path has: OPTIONS with what
// the path allows, anything else with 405. Gin has set Allow to what has a
// handler.
func otherMethod(c *gin.Context) {
	allowed := strings.Split(c.Writer.Header().Get("Allow"), ", ")
	if slices.Contains(allowed, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	refuseMethod(c.Writer, c.Request, append(allowed, http.MethodOptions), RequestIDFrom(c.Request.Context()))
	c.Abort()
}

func refuseMethod(w http.ResponseWriter, r *http.Request, allowed []string, id string) {
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(slices.Compact(allowed), ", "))
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	e := apperr.New(apperr.Invalid, "method_not_allowed", "this path does not take the method")
	writeProblem(w, http.StatusMethodNotAllowed, e, id)
}
