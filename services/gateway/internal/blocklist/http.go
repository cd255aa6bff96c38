package blocklist

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/auth"
	"souk.example/pkg/httpserver"
)

var errBlocked = apperr.New(apperr.Forbidden, contracts.CodeBlocked, "you are not allowed to use this service")

// Addresses turns away clients whose address is shut out.
func (b *Blocklist) Addresses(c *gin.Context) {
	if s, ok := Address(c.ClientIP()); ok && b.Blocked(s) {
		httpserver.Fail(c, errBlocked)
	}
}

// Users turns away users who are shut out. It goes after the authentication.
func (b *Blocklist) Users(c *gin.Context) {
	if b.Blocked(User(httpserver.Caller(c).UserID)) {
		httpserver.Fail(c, errBlocked)
	}
}

// Register adds the administrators' routes to r.
func (b *Blocklist) Register(r gin.IRouter, v *auth.Verifier) {
	g := r.Group("/v1/admin/blocks", httpserver.Authenticate(v), httpserver.RequireRole(auth.RoleAdmin))
	g.GET("", b.list)
	g.PUT("/:subject", b.block)
	g.DELETE("/:subject", b.unblock)
}

func (b *Blocklist) list(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"items": b.Items()}) }

type blockRequest struct {
	Reason string `json:"reason"`
}

// maxReason bounds why somebody is shut out, in bytes.
const maxReason = 200

func (b *Blocklist) block(c *gin.Context) {
	subject, err := subjectParam(c)
	if err == nil && b.isCaller(c, subject) {
		err = apperr.New(apperr.Unprocessable, contracts.CodeInvalidSubject, "you would shut yourself out")
	}
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	body, err := httpserver.Bind[blockRequest](c)
	if err == nil && (body.Reason == "" || len(body.Reason) > maxReason) {
		err = apperr.New(apperr.Unprocessable, "invalid_body", "a reason of 1 to 200 bytes is needed").
			WithFields(apperr.Field{Field: "reason", Code: "length", Detail: "1 to 200 bytes"})
	}
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	item, err := b.Block(c.Request.Context(), subject, body.Reason)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.JSON(http.StatusOK, item)
}

func (b *Blocklist) unblock(c *gin.Context) {
	subject, err := subjectParam(c)
	if err == nil {
		err = b.Unblock(c.Request.Context(), subject)
	}
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func subjectParam(c *gin.Context) (Subject, error) {
	subject, ok := ParseSubject(c.Param("subject"))
	if !ok {
		return "", apperr.New(apperr.Invalid, contracts.CodeInvalidSubject, "a subject is user:ID or address:IP")
	}
	return subject, nil
}

// isCaller reports whether subject is who is asking.
func (b *Blocklist) isCaller(c *gin.Context, subject Subject) bool {
	here, _ := Address(c.ClientIP())
	return subject == here || subject == User(httpserver.Caller(c).UserID)
}
