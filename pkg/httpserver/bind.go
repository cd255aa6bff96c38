package httpserver

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
)

// Bind reads the request's body as the struct T, strictly. T is made of
// structs, slices, pointers, strings, booleans, integers and types that decode
// themselves (money.Amount); there are no floats in souk.
//
// The error is an apperr.Error ready for Fail:
//
//   - 415: the body is not application/json in UTF-8, or is compressed;
//   - 400 malformed_json: it is not one JSON object: empty, truncated, followed
//     by more, nested deeper than 32, not UTF-8;
//   - 422 invalid_body: Fields names, by path, every field that is unknown (the
//     case counts), stands twice, is null without being a pointer or although
//     its tag says `null:"refuse"`, or has the wrong type or range.
//
// A field that is absent keeps its zero value; whether it may be absent is for
// the caller to check.
func Bind[T any](c *gin.Context) (T, error) {
	var value, zero T
	body, err := readBody(c.Request)
	if err != nil {
		return zero, err
	}
	if err := checkJSON(body, schemaOf(reflect.TypeFor[T]())); err != nil {
		return zero, err
	}
	if err := json.Unmarshal(body, &value); err != nil {
		// The check has let pass what encoding/json refuses. Better a vague
		// answer to the client than a wrong one.
		return zero, malformed("not acceptable").With(fmt.Errorf("unmarshal after check: %w", err))
	}
	return value, nil
}

func readBody(r *http.Request) ([]byte, error) {
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, apperr.New(apperr.Unsupported, "unsupported_media_type", "the body must be application/json in UTF-8")
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, apperr.New(apperr.Unsupported, "unsupported_encoding", "the body must not be compressed")
	}
	body, err := ReadBody(r)
	if err == nil {
		return body, nil
	}
	return nil, malformed("the body ends early").With(err)
}

func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}
