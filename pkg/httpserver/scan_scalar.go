package httpserver

import (
	"reflect"
	"strconv"
	"unicode/utf16"
)

// text reads a string and returns what it says.
func (c *checker) text() (content []byte, ok bool) {
	start := c.pos
	c.pos++
	escaped := false
	for c.pos < len(c.data) {
		switch b := c.data[c.pos]; {
		case b == '"':
			c.pos++
			if escaped {
				return unescape(c.data[start:c.pos]), true
			}
			return c.data[start+1 : c.pos-1], true
		case b < ' ':
			return nil, c.fail("a string holds a control character")
		case b == '\\':
			escaped = true
			if !c.escape() {
				return nil, false
			}
		default:
			c.pos++
		}
	}
	return nil, c.fail("it ends early")
}

// escape reads one escape sequence, a surrogate pair being one. NUL is refused
// because databases and C libraries cut text at it; half a pair because it is
// no character.
func (c *checker) escape() bool {
	if c.pos+1 >= len(c.data) {
		return c.fail("it ends early")
	}
	switch c.data[c.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		c.pos += 2
		return true
	case 'u':
	default:
		return c.fail("an escape sequence is malformed")
	}
	unit, ok := c.unit()
	switch {
	case !ok:
		return c.fail("an escape sequence is malformed")
	case unit == 0:
		return c.fail("a string holds NUL")
	case !utf16.IsSurrogate(unit):
		return true
	}
	low, ok := c.unit()
	if !ok || utf16.DecodeRune(unit, low) == '\uFFFD' {
		return c.fail("a string holds a lone surrogate")
	}
	return true
}

// unit reads \uXXXX.
func (c *checker) unit() (rune, bool) {
	const size = len(`\u0000`)
	if c.pos+size > len(c.data) || c.data[c.pos] != '\\' || c.data[c.pos+1] != 'u' {
		return 0, false
	}
	var unit rune
	for _, b := range c.data[c.pos+2 : c.pos+size] {
		digit, ok := hexDigit(b)
		if !ok {
			return 0, false
		}
		unit = unit<<4 | digit
	}
	c.pos += size
	return unit, true
}

func hexDigit(b byte) (rune, bool) {
	switch {
	case b >= '0' && b <= '9':
		return rune(b - '0'), true
	case b >= 'a' && b <= 'f':
		return rune(b-'a') + 10, true
	case b >= 'A' && b <= 'F':
		return rune(b-'A') + 10, true
	}
	return 0, false
}

// number reads a number; against an integer schema 1.0 and 1e3 are no
// integers, whatever their value.
func (c *checker) number(s *schema) bool {
	start := c.pos
	if c.data[c.pos] == '-' {
		c.pos++
	}
	whole := c.pos
	if !c.digits() || c.data[whole] == '0' && c.pos-whole > 1 {
		return c.fail("a number is malformed")
	}
	end := c.pos
	if !c.fraction() {
		return c.fail("a number is malformed")
	}
	if s.shape != shapeInteger {
		return true
	}
	if c.pos != end {
		c.report("wrong_type", "must be an integer without fraction or exponent")
	} else if !fits(s.typ, string(c.data[start:end])) {
		c.report("out_of_range", "is out of range")
	}
	return true
}

func (c *checker) fraction() bool {
	if c.at('.') {
		c.pos++
		if !c.digits() {
			return false
		}
	}
	if c.at('e') || c.at('E') {
		c.pos++
		if c.at('+') || c.at('-') {
			c.pos++
		}
		return c.digits()
	}
	return true
}

func (c *checker) at(b byte) bool { return c.pos < len(c.data) && c.data[c.pos] == b }

// digits reads one digit or more.
func (c *checker) digits() bool {
	start := c.pos
	for c.pos < len(c.data) && c.data[c.pos] >= '0' && c.data[c.pos] <= '9' {
		c.pos++
	}
	return c.pos > start
}

func fits(t reflect.Type, digits string) bool {
	var err error
	if t.Kind() >= reflect.Uint {
		_, err = strconv.ParseUint(digits, 10, t.Bits())
	} else {
		_, err = strconv.ParseInt(digits, 10, t.Bits())
	}
	return err == nil
}
