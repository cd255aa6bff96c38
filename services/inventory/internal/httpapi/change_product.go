package httpapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/services/inventory/internal/inventory"
)

// changeProduct answers with the product as it is then, tagged by its version.
// With If-Match it changes no other version than those it names.
func (a *API) changeProduct(c *gin.Context) {
	sku, err := skuParam(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	body, err := httpserver.Bind[changeProductRequest](c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	patch := body.patch()
	patch.Of = versions(c.Request.Header.Values("If-Match"))
	p, err := a.manager.ChangeProduct(c.Request.Context(), sku, patch)
	if errors.Is(err, inventory.ErrOtherVersion) {
		httpserver.FailStatus(c, http.StatusPreconditionFailed, apperr.New(apperr.Conflict, contracts.CodeOtherVersion, "the product has changed: read it again"))
		return
	}
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.Header("ETag", versionTag(p.Version))
	c.JSON(http.StatusOK, productResponseFrom(p))
}

// versionTag tags what the staff sees. Public pages have tags of their own,
// which change with every sale.
func versionTag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// versions are those that If-Match names, nil for any. By the strong comparison
// of RFC 9110, section 13.1.1, a weak tag or one of another kind names none.
func versions(headers []string) []int64 {
	if len(headers) == 0 {
		return nil
	}
	named := []int64{}
	for tag := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			return nil
		}
		version, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
		if err == nil && versionTag(version) == tag {
			named = append(named, version)
		}
	}
	return named
}
