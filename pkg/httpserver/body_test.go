package httpserver_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"souk.example/pkg/httpserver"
)

func TestABodyIsReadOnceForAll(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		length int64
		end    error
	}{"of known length": {5, nil}, "of unknown length": {-1, nil}, "that breaks off": {9, broken}, "that breaks off somewhere": {-1, broken}} {
		t.Run(name, func(t *testing.T) {
			reader := io.Reader(strings.NewReader("hello"))
			if test.end != nil {
				reader = io.MultiReader(reader, iotest.ErrReader(test.end))
			}
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/", reader)
			r.ContentLength = test.length
			for range 2 {
				if got, err := httpserver.ReadBody(r); string(got) != "hello" || !errors.Is(err, test.end) {
					t.Errorf("read %q, %v", got, err)
				}
			}
			if got, err := io.ReadAll(r.Body); string(got) != "hello" || !errors.Is(err, test.end) {
				t.Errorf("then read %q, %v", got, err)
			}
		})
	}
}
