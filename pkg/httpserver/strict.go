package httpserver

import (
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
)

// strictURL refuses what two servers in a row may read differently: dot
// segments, empty segments, path parameters, encoded separators, control
// characters, and query parameters that are malformed or stand twice.
func strictURL(c *gin.Context) {
	u := c.Request.URL
	if !plainPath(u) {
		Fail(c, apperr.New(apperr.Invalid, "invalid_path", "the path is not in its plain form"))
		return
	}
	if u.RawQuery != "" && !plainQuery(u.RawQuery) {
		Fail(c, apperr.New(apperr.Invalid, "invalid_query", "the query is malformed or names a parameter twice"))
		return
	}
	c.Next()
}

func plainPath(u *url.URL) bool {
	if !strings.HasPrefix(u.Path, "/") {
		return u.Path == "*" // OPTIONS *
	}
	if u.RawPath != "" || strings.Contains(u.Path, "//") { // RawPath is set when the path has an encoding of its own, such as %2F
		return false
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return !strings.ContainsFunc(u.Path, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == ';' || r == '\\' || r == '\uFFFD'
	})
}

func plainQuery(raw string) bool {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return false
	}
	for _, v := range values {
		if len(v) > 1 {
			return false
		}
	}
	return true
}
