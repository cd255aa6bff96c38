// Package config reads a program's settings into a struct from flags, the
// environment and defaults, in that order of precedence, and refuses what is
// not valid before anything starts.
//
// A setting is an exported field with the tags of github.com/caarlos0/env and
// a usage text:
//
//	type Config struct {
//		Addr string `env:"SOUK_HTTP_ADDR" envDefault:"127.0.0.1:8080" usage:"public listener"`
//	}
//
// Every setting has a flag too, derived from its variable: SOUK_HTTP_ADDR is
// --http-addr. Structs nest; the tag envPrefix of an outer field is put in
// front of the names of the inner ones.
package config

import (
	"errors"
	"flag"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/caarlos0/env/v11"
)

// Load reads T. args are the program's arguments without its name, environ is
// in the form of os.Environ. Variables that no field names are ignored,
// because several programs share one environment; unknown flags and leftover
// arguments are errors.
//
// When T, or a struct nested in it, has a method Validate() error it is called
// last, the innermost first. An argument -h or --help prints the usage to
// standard error and returns [flag.ErrHelp]. Errors name the setting and never
// the value of a Secret.
func Load[T any](name string, args []string, environ []string) (T, error) {
	var cfg, zero T
	fields := fieldsOf(reflect.ValueOf(&cfg).Elem(), "")
	values := environment(environ)
	if err := parseFlags(name, args, fields, values); err != nil {
		return zero, err
	}
	if err := env.ParseWithOptions(&cfg, env.Options{Environment: values}); err != nil {
		return zero, fmt.Errorf("%s: %w", name, err)
	}
	if err := validate(reflect.ValueOf(&cfg).Elem()); err != nil {
		return zero, fmt.Errorf("%s: %w", name, err)
	}
	return cfg, nil
}

// Redacted prints the settings of v, a struct, for the start-up log: one
// NAME=value per line in the order of the fields. Secrets are redacted.
func Redacted(v any) string {
	var b strings.Builder
	for _, f := range fieldsOf(reflect.ValueOf(v), "") {
		text := fmt.Sprint(f.value.Interface())
		if strings.ContainsFunc(text, unicode.IsControl) { // one setting stays one line
			text = strconv.Quote(text)
		}
		fmt.Fprintf(&b, "%s=%s\n", f.key, text)
	}
	return b.String()
}

func environment(environ []string) map[string]string {
	values := make(map[string]string, len(environ))
	for _, pair := range environ {
		key, value, _ := strings.Cut(pair, "=")
		values[key] = value
	}
	return values
}

// parseFlags lays the flags given in args over values.
func parseFlags(name string, args []string, fields []field, values map[string]string) error {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	for _, f := range fields {
		if set.Lookup(f.flag()) != nil {
			continue // two parts of the struct share the setting
		}
		store := func(value string) error {
			values[f.key] = value
			return nil
		}
		if f.value.Kind() == reflect.Bool {
			set.BoolFunc(f.flag(), f.help(), store)
		} else {
			set.Func(f.flag(), f.help(), store)
		}
	}
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q", name, set.Arg(0))
	}
	return nil
}

type validator interface{ Validate() error }

func validate(v reflect.Value) error {
	var errs []error
	for inner := range structsIn(v) {
		errs = append(errs, validate(inner))
	}
	if c, ok := v.Addr().Interface().(validator); ok {
		errs = append(errs, c.Validate())
	}
	return errors.Join(errs...)
}
