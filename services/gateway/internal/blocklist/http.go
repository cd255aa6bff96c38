package blocklist

import (
	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
)

var errBlocked = apperr.New(apperr.Forbidden, contracts.CodeBlocked, "you are not allowed to use this service")

// Addresses turns away clients whose address is shut out.
func (b *Blocklist) Addresses(c *gin.Context) {
	if s, ok := contracts.AddressSubject(c.ClientIP()); ok && b.Blocked(s) {
		httpserver.Fail(c, errBlocked)
	}
}

// Users turns away users who are shut out. It goes after the authentication.
func (b *Blocklist) Users(c *gin.Context) {
	if b.Blocked(contracts.UserSubject(httpserver.Caller(c).UserID)) {
		httpserver.Fail(c, errBlocked)
	}
}
