package edge

import (
	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
)

var errSelf = apperr.New(apperr.Unprocessable, contracts.CodeInvalidSubject, "you would shut yourself out")

// notOwnAddress keeps administrators from shutting out the :subject that they
// come from, which no service behind the edge can know.
func notOwnAddress(c *gin.Context) {
	here, _ := contracts.AddressSubject(c.ClientIP())
	if subject, ok := contracts.ParseSubject(c.Param("subject")); ok && subject == here {
		httpserver.Fail(c, errSelf)
	}
}
