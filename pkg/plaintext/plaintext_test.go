package plaintext_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"souk.example/pkg/plaintext"
)

func Example() {
	reason := "fits\u202e\u001b[2J"
	fmt.Println(plaintext.Is(reason), plaintext.Escape(reason))
	_, _ = fmt.Fprintln(plaintext.NewWriter(os.Stdout), reason)
	// Output:
	// false fits\u202e\u001b[2J
	// fits\u202e\u001b[2J
}

func TestWhatIsPlain(t *testing.T) {
	for text, plain := range map[string]bool{
		"": true, "it does not fit": true, "não serve, 不合适, לא מתאים 👩‍👧": true,
		"\x1b[31m": false, "two\nlines": false, "a\ttab": false, "\x7f": false, "\u0085": false,
		"\u202egnp": false, "\u2066": false, "\u200f": false, "\u061c": false, "\u2028": false, "\u2029": false, "\xff": false,
	} {
		if plaintext.Is(text) != plain {
			t.Errorf("Is(%q) is %v", text, !plain)
		}
		escaped := plaintext.Escape(text)
		if !plaintext.Is(escaped) || plain && escaped != text {
			t.Errorf("Escape(%q) is %q", text, escaped)
		}
	}
}

func TestWhatIsBlank(t *testing.T) {
	for text, blank := range map[string]bool{
		"": true, " \u00a0\u3000": true, "\u200b": true, "\ufeff\u2060": true, "\U000e0041": true, " a": false, "李": false, "👩‍👧": false, "-": false,
	} {
		if plaintext.Blank(text) != blank {
			t.Errorf("Blank(%q) is %v", text, !blank)
		}
	}
}

// However the text is cut, what comes out is the same, and JSON keeps its value.
func TestAWriterEscapesEverythingBetweenLines(t *testing.T) {
	said := "不\u202e\u0085\x7f👩"
	document, err := json.Marshal(map[string]string{"said": said})
	if err != nil {
		t.Fatal(err)
	}
	for size := 1; size <= len(document); size++ {
		var b strings.Builder
		w := plaintext.NewWriter(&b)
		for rest := document; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if n, err := w.Write(rest[:min(size, len(rest))]); err != nil || n != min(size, len(rest)) {
				t.Fatal(n, err)
			}
		}
		var read map[string]string
		if err := json.Unmarshal([]byte(b.String()), &read); err != nil || read["said"] != said || !plaintext.Is(b.String()) {
			t.Errorf("in pieces of %d bytes: %q, %v", size, b.String(), err)
		}
	}
}

func TestAWriterKeepsLinesAndTabs(t *testing.T) {
	var b strings.Builder
	_, err := plaintext.NewWriter(&b).Write([]byte("a\tb\n\x1b]0;\a\xff\n"))
	if want := "a\tb\n\\u001b]0;\\u0007\ufffd\n"; err != nil || b.String() != want {
		t.Errorf("%q, want %q, %v", b.String(), want, err)
	}
}
