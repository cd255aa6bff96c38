package httpserver

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

func newOf(t reflect.Type) any { return reflect.New(t).Interface() }

func (c *checker) object(s *schema) bool {
	if !c.enter() {
		return false
	}
	c.pos++
	names := seen{schema: s}
	for first := true; ; first = false {
		switch b := c.next(); {
		case b == '}' && first:
			c.pos++
			return c.leave()
		case b != '"':
			return c.fail("a field name is malformed")
		}
		if !c.member(&names) {
			return false
		}
		switch c.next() {
		case ',':
			c.pos++
		case '}':
			c.pos++
			return c.leave()
		default:
			return c.fail("an object is malformed")
		}
	}
}

func (c *checker) member(names *seen) bool {
	name, ok := c.text()
	if !ok {
		return false
	}
	if c.next() != ':' {
		return c.fail("an object is malformed")
	}
	c.pos++
	c.path.name(name)
	s, verdict := names.visit(name)
	switch verdict {
	case "unknown_field":
		c.report(verdict, "there is no such field")
	case "duplicate_field":
		c.report(verdict, "the field stands twice")
	}
	return c.value(s)
}

func (c *checker) array(s *schema) bool {
	if !c.enter() {
		return false
	}
	c.pos++
	elem := s.elem
	if elem == nil {
		elem = skipped()
	}
	if c.next() == ']' {
		c.pos++
		return c.leave()
	}
	for i := 0; ; i++ {
		c.path.index(i)
		if !c.value(elem) {
			return false
		}
		switch c.next() {
		case ',':
			c.pos++
		case ']':
			c.pos++
			return c.leave()
		default:
			return c.fail("an array is malformed")
		}
	}
}

func (c *checker) enter() bool {
	if c.path.depth == maxDepth {
		return c.fail("it is nested too deeply")
	}
	c.path.depth++
	return true
}

func (c *checker) leave() bool {
	c.path.depth--
	return true
}

// seen tells known, unknown and repeated field names of one object apart.
type seen struct {
	schema *schema
	known  uint64              // bit i: field i of the schema
	other  map[string]struct{} // names of an object without schema
}

// visit returns the schema of the named field, and what is wrong with the
// name, if anything.
func (s *seen) visit(name []byte) (field *schema, verdict string) {
	if s.schema.shape != shapeObject {
		return skipped(), s.visitOther(string(name))
	}
	i := s.schema.field(name)
	if i < 0 {
		return skipped(), "unknown_field"
	}
	if s.known&(1<<i) != 0 {
		verdict = "duplicate_field"
	}
	s.known |= 1 << i
	return s.schema.fields[i].schema, verdict
}

func (s *seen) visitOther(name string) (verdict string) {
	if s.other == nil {
		s.other = make(map[string]struct{})
	}
	if _, twice := s.other[name]; twice {
		return "duplicate_field"
	}
	s.other[name] = struct{}{}
	return ""
}

// path is where the checker stands, kept without allocation.
type path struct {
	steps [maxDepth]step
	depth int
}

// step is a field name or, without one, an index.
type step struct {
	field []byte
	i     int
}

func (p *path) name(field []byte) { p.steps[p.depth-1] = step{field: field} }
func (p *path) index(i int)       { p.steps[p.depth-1] = step{i: i} }

// String writes the path as items[0].sku.
func (p *path) String() string {
	var b strings.Builder
	for _, s := range p.steps[:p.depth] {
		switch {
		case s.field == nil:
			b.WriteString("[" + strconv.Itoa(s.i) + "]")
		case b.Len() > 0:
			b.WriteString("." + shown(s.field))
		default:
			b.WriteString(shown(s.field))
		}
	}
	return b.String()
}

// shown is a client's field name, cut to a sensible length.
func shown(name []byte) string {
	text := strings.ToValidUTF8(string(name[:min(len(name), maxNameShown)]), "")
	if len(name) > maxNameShown {
		text += "…"
	}
	return text
}

// unescape decodes a JSON string that is known to be well formed.
func unescape(quoted []byte) []byte {
	var text string
	_ = json.Unmarshal(quoted, &text) // checked before
	return []byte(text)
}
