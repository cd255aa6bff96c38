package httpapi

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"souk.example/contracts"
	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/plaintext"
	"souk.example/services/user/internal/user"
)

type blockRequest struct {
	Reason string `json:"reason"`
}

type blockResponse struct {
	Subject   string `json:"subject"`
	Reason    string `json:"reason"`
	BlockedBy string `json:"blocked_by"`
	Since     string `json:"since"`
}

type blocksResponse struct {
	Items []blockResponse `json:"items"`
}

func blockResponseFrom(b user.Block) blockResponse {
	return blockResponse{
		Subject: string(b.Subject), Reason: b.Reason,
		BlockedBy: strconv.FormatInt(int64(b.By), 10), Since: timestamp(b.Since),
	}
}

// listBlocks shows who is shut out; contracts.MaxBlocks bounds the list.
func (a *API) listBlocks(c *gin.Context) {
	blocks, err := a.blocks.List(c.Request.Context())
	if err != nil {
		fail(c, err)
		return
	}
	items := make([]blockResponse, len(blocks))
	for i, b := range blocks {
		items[i] = blockResponseFrom(b)
	}
	c.JSON(http.StatusOK, blocksResponse{Items: items})
}

// block shuts somebody out. That stands in SQL when it answers; the edges hear
// of it a moment later.
func (a *API) block(c *gin.Context) {
	subject, err := subjectParam(c)
	if err == nil && subject == contracts.UserSubject(int64(caller(c))) {
		err = apperr.New(apperr.Unprocessable, contracts.CodeInvalidSubject, "you would shut yourself out")
	}
	if err != nil {
		fail(c, err)
		return
	}
	body, err := httpserver.Bind[blockRequest](c)
	if err == nil {
		err = checkReason(body.Reason)
	}
	if err != nil {
		fail(c, err)
		return
	}
	b, err := a.blocks.Put(c.Request.Context(), user.Block{Subject: subject, Reason: body.Reason, By: caller(c)})
	if err != nil {
		fail(c, err)
		return
	}
	a.changed()
	c.JSON(http.StatusOK, blockResponseFrom(b))
}

func checkReason(reason string) error {
	refused := apperr.New(apperr.Unprocessable, "invalid_body", "a reason of 1 to 200 bytes is needed")
	switch {
	case reason == "" || len(reason) > user.MaxReason:
		return refused.WithFields(apperr.Field{Field: "reason", Code: "length", Detail: "1 to 200 bytes"})
	case !plaintext.Is(reason):
		return refused.WithFields(apperr.Field{Field: "reason", Code: "invalid", Detail: "must not hold control characters"})
	}
	return nil
}

// unblock lets somebody in again.
func (a *API) unblock(c *gin.Context) {
	subject, err := subjectParam(c)
	if err == nil {
		err = a.blocks.Remove(c.Request.Context(), subject)
	}
	if err != nil {
		fail(c, err)
		return
	}
	a.changed()
	c.Status(http.StatusNoContent)
}

func subjectParam(c *gin.Context) (contracts.Subject, error) {
	subject, ok := contracts.ParseSubject(c.Param("subject"))
	if !ok {
		return "", apperr.New(apperr.Invalid, contracts.CodeInvalidSubject, "a subject is user:ID or address:IP")
	}
	return subject, nil
}
