package httpserver

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// shape is the JSON form a schema expects.
type shape uint8

const (
	shapeAny    shape = iota // anything: the value is being skipped
	shapeObject              // a struct
	shapeArray               // a slice
	shapeString
	shapeBool
	shapeInteger
	shapeOwn // a type that decodes itself
)

// String names the shape for people.
func (s shape) String() string {
	return [...]string{"a value", "an object", "an array", "a string", "a boolean", "an integer", "a value"}[s]
}

// schema is what checkJSON needs to know of a Go type.
type schema struct {
	shape    shape
	nullable bool
	typ      reflect.Type // of shapeInteger and shapeOwn
	fields   []fieldSchema
	elem     *schema
}

type fieldSchema struct {
	name   string
	schema *schema
}

// maxFields is what fits the set of fields seen.
const maxFields = 64

func (s *schema) field(name []byte) int {
	for i := range s.fields {
		if s.fields[i].name == string(name) {
			return i
		}
	}
	return -1
}

// schemas remembers schemaOf, a pure function of the type, the way
// encoding/json remembers its decoders. Nothing else is kept in it.
var schemas sync.Map // reflect.Type → *schema

// schemaOf panics when Bind cannot be strict about t: a mistake in the program
// that its first request shows.
func schemaOf(t reflect.Type) *schema {
	if s, ok := schemas.Load(t); ok {
		return s.(*schema)
	}
	s, _ := schemas.LoadOrStore(t, buildSchema(t))
	return s.(*schema)
}

func buildSchema(t reflect.Type) *schema {
	if decodesItself(t) {
		return &schema{shape: shapeOwn, typ: t}
	}
	switch t.Kind() {
	case reflect.Struct:
		return objectSchema(t)
	case reflect.Slice:
		return &schema{shape: shapeArray, elem: buildSchema(t.Elem())}
	case reflect.Pointer:
		s := *buildSchema(t.Elem())
		s.nullable = true
		return &s
	case reflect.String:
		return &schema{shape: shapeString}
	case reflect.Bool:
		return &schema{shape: shapeBool}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &schema{shape: shapeInteger, typ: t}
	default:
		panic(fmt.Sprintf("httpserver: cannot bind strictly to %v", t))
	}
}

func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func objectSchema(t reflect.Type) *schema {
	s := &schema{shape: shapeObject}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() || f.Tag.Get("json") == "-":
			continue
		case f.Anonymous || strings.Contains(options, "string"):
			panic(fmt.Sprintf("httpserver: cannot bind strictly to %v.%s", t, f.Name))
		case name == "":
			name = f.Name
		}
		field := buildSchema(f.Type)
		field.nullable = field.nullable && f.Tag.Get("null") != "refuse"
		s.fields = append(s.fields, fieldSchema{name: name, schema: field})
	}
	if len(s.fields) > maxFields {
		panic(fmt.Sprintf("httpserver: %v has more than %d fields", t, maxFields))
	}
	return s
}
