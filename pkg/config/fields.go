package config

import (
	"iter"
	"reflect"
	"strings"
)

const variablePrefix = "SOUK_"

// field is one setting of a struct.
type field struct {
	key     string // the environment variable
	usage   string
	initial string // the default
	value   reflect.Value
}

// flag is the name of the setting's flag, without dashes.
func (f field) flag() string {
	name := strings.TrimPrefix(f.key, variablePrefix)
	return strings.ReplaceAll(strings.ToLower(name), "_", "-")
}

func (f field) help() string {
	text := f.usage + " (" + f.key
	if f.initial != "" {
		text += ", default " + f.initial
	}
	return text + ")"
}

// fieldsOf lists the settings of a struct and of those nested in it.
func fieldsOf(v reflect.Value, prefix string) []field {
	var fields []field
	for t, fv := range v.Fields() {
		key, _, _ := strings.Cut(t.Tag.Get("env"), ",")
		switch {
		case !t.IsExported(), key == "-":
		case key != "":
			fields = append(fields, field{
				key:     prefix + key,
				usage:   t.Tag.Get("usage"),
				initial: t.Tag.Get("envDefault"),
				value:   fv,
			})
		case fv.Kind() == reflect.Struct:
			fields = append(fields, fieldsOf(fv, prefix+t.Tag.Get("envPrefix"))...)
		}
	}
	return fields
}

// structsIn yields the structs directly inside v that hold settings of their own.
func structsIn(v reflect.Value) iter.Seq[reflect.Value] {
	return func(yield func(reflect.Value) bool) {
		for t, fv := range v.Fields() {
			nested := t.IsExported() && fv.Kind() == reflect.Struct && t.Tag.Get("env") == ""
			if nested && !yield(fv) {
				return
			}
		}
	}
}
