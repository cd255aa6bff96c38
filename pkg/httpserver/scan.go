package httpserver

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"souk.example/pkg/apperr"
)

const (
	maxDepth       = 32
	maxFieldErrors = 20
	maxNameShown   = 64
)

// checkJSON reads data once and holds it against s: the grammar of RFC 8259 and
// what encoding/json is lenient about. Work is linear in the size of data.
func checkJSON(data []byte, s *schema) error {
	if !utf8.Valid(data) {
		return malformed("not UTF-8")
	}
	c := checker{data: data}
	if c.space(); c.pos == len(data) {
		return malformed("the body is empty")
	}
	if data[c.pos] != '{' {
		return malformed("the body must be one JSON object")
	}
	if !c.value(s) {
		return malformed(c.broken)
	}
	if c.space(); c.pos != len(data) {
		return malformed("something follows the JSON object")
	}
	if len(c.wrong) > 0 {
		return apperr.New(apperr.Unprocessable, "invalid_body", "the body has fields that are not valid").WithFields(c.wrong...)
	}
	return nil
}

func malformed(detail string) *apperr.Error {
	return apperr.New(apperr.Invalid, "malformed_json", "the body is not valid JSON: "+detail)
}

// checker walks one document. Its methods return false when the grammar is
// broken, which ends the walk; what is wrong with a field is collected, and
// the walk goes on.
type checker struct {
	data   []byte
	pos    int
	path   path
	wrong  []apperr.Field
	broken string
}

func (c *checker) fail(detail string) bool {
	c.broken = detail
	return false
}

func (c *checker) report(code, detail string) {
	if len(c.wrong) < maxFieldErrors {
		c.wrong = append(c.wrong, apperr.Field{Field: c.path.String(), Code: code, Detail: detail})
	}
}

// expect compares the shape found with the one wanted. After a mismatch the
// value is only skipped.
func (c *checker) expect(s *schema, found shape) *schema {
	if s.shape == found || s.shape == shapeAny || s.shape == shapeOwn {
		return s
	}
	c.report("wrong_type", "must be "+s.shape.String())
	return skipped()
}

func skipped() *schema { return &schema{nullable: true} }

func (c *checker) space() {
	for c.pos < len(c.data) {
		switch c.data[c.pos] {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return
		}
	}
}

// next returns the next significant byte, or 0 at the end.
func (c *checker) next() byte {
	c.space()
	if c.pos == len(c.data) {
		return 0
	}
	return c.data[c.pos]
}

func (c *checker) value(s *schema) bool {
	first := c.next()
	start := c.pos
	var ok bool
	switch {
	case first == '{':
		ok = c.object(c.expect(s, shapeObject))
	case first == '[':
		ok = c.array(c.expect(s, shapeArray))
	case first == '"':
		c.expect(s, shapeString)
		_, ok = c.text()
	case first == '-' || first >= '0' && first <= '9':
		ok = c.number(c.expect(s, shapeInteger))
	default:
		ok = c.literal(s)
	}
	if ok && s.shape == shapeOwn {
		c.own(s, c.data[start:c.pos])
	}
	return ok
}

func (c *checker) literal(s *schema) bool {
	rest := c.data[c.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("true")):
		c.pos += len("true")
		c.expect(s, shapeBool)
	case bytes.HasPrefix(rest, []byte("false")):
		c.pos += len("false")
		c.expect(s, shapeBool)
	case bytes.HasPrefix(rest, []byte("null")):
		c.pos += len("null")
		if !s.nullable {
			c.report("null", "must not be null")
		}
	case len(rest) == 0:
		return c.fail("it ends early")
	default:
		return c.fail("a value is malformed")
	}
	return true
}

// own lets a type that decodes itself judge its value. Its error may name Go
// types, so it is not shown.
func (c *checker) own(s *schema, raw []byte) {
	if bytes.Equal(raw, []byte("null")) {
		return // already judged
	}
	if err := json.Unmarshal(raw, newOf(s.typ)); err != nil {
		c.report("invalid", "is not valid for this field")
	}
}
