package httpapi

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/inventory/internal/catalogue"
	"souk.example/services/inventory/internal/inventory"
)

// getProduct serves the encoded page as it is cached: `available` may be as
// old as the cache allows. A client that has these bytes already gets 304.
func (a *API) getProduct(c *gin.Context) {
	sku, err := skuParam(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	page, found, err := a.pages.Page(c.Request.Context(), sku)
	if err == nil && !found {
		err = inventory.ErrProductNotFound
	}
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	answerPage(c, page)
}

// answerPage sends a page, or 304 to a client that has its bytes.
func answerPage(c *gin.Context, page catalogue.Page) {
	header := c.Writer.Header() // names in canonical form, to save making them so
	header["Etag"] = []string{page.ETag}
	header["Cache-Control"] = []string{"no-cache"} // keep it, but ask before using it
	if matches(c.Request.Header["If-None-Match"], page.ETag) {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", page.Body)
}

// matches is the weak comparison of RFC 9110, section 13.1.2.
func matches(headers []string, etag string) bool {
	for _, header := range headers {
		for tag := range strings.SplitSeq(header, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
	}
	return false
}
