package edge_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/goccy/go-yaml"

	"souk.example/pkg/auth"
	"souk.example/services/gateway/internal/edge"
	"souk.example/services/gateway/internal/live"
)

const reference = "../../../../docs/openapi.yaml"

type operation struct {
	Summary   string
	Security  *[]any // none: the document's own
	Responses map[string]any
}

// document is what the test reads of docs/openapi.yaml.
type document struct {
	OpenAPI string `yaml:"openapi"`
	Paths   map[string]map[string]operation
}

var parameter = regexp.MustCompile(`:(\w+)`)

// documented is the public API by "METHOD /path".
func documented(t *testing.T) map[string]operation {
	t.Helper()
	text, err := os.ReadFile(reference)
	must(t, err)
	var doc document
	must(t, yaml.Unmarshal(text, &doc))
	found := map[string]operation{}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			found[strings.ToUpper(method)+" "+path] = op
		}
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || len(found) == 0 {
		t.Fatalf("openapi %q, %d operations", doc.OpenAPI, len(found))
	}
	return found
}

// The reference has every route that reaches a service, no other, and says of
// each whether it needs a token.
func TestTheReferenceIsWhole(t *testing.T) {
	router := gin.New()
	proxies := map[edge.Service]*edge.Proxy{}
	public := map[string]bool{}
	for _, r := range edge.Routes() {
		proxies[r.To] = new(edge.Proxy)
		public[r.Method+" "+r.Path] = r.Public
	}
	edge.Register(router, new(auth.Verifier), proxies, nil, func(*gin.Context) {}, nil, nil)
	live.New(nil, nil, nil).Register(router, new(auth.Verifier))
	missing := documented(t)
	for _, route := range router.Routes() {
		name := route.Method + " " + parameter.ReplaceAllString(route.Path, "{$1}")
		op, ok := missing[name]
		if !ok {
			t.Errorf("%s is not in the reference", name)
			continue
		}
		delete(missing, name)
		if open := op.Security != nil && len(*op.Security) == 0; open != public[route.Method+" "+route.Path] {
			t.Errorf("%s: the reference says open to anyone is %v", name, open)
		}
		if op.Summary == "" || op.Responses["default"] == nil || len(op.Responses) < 2 {
			t.Errorf("%s is not described: %+v", name, op)
		}
	}
	for name := range missing {
		t.Errorf("%s is in the reference and is no route", name)
	}
}

var pointer = regexp.MustCompile(`\$ref: "#/components/(\w+)/([\w-]+)"`)

// What the reference points to is there, and what is there is pointed to.
func TestTheReferencesPointersHold(t *testing.T) {
	text, err := os.ReadFile(reference)
	must(t, err)
	var doc struct {
		Components map[string]map[string]any
	}
	must(t, yaml.Unmarshal(text, &doc))
	used := map[string]bool{}
	for _, m := range pointer.FindAllStringSubmatch(string(text), -1) {
		used[m[1]+"/"+m[2]] = true
		if doc.Components[m[1]][m[2]] == nil {
			t.Errorf("%s points to nothing", m[0])
		}
	}
	for kind, parts := range doc.Components {
		for name := range parts {
			if kind != "securitySchemes" && !used[kind+"/"+name] {
				t.Errorf("nothing points to %s/%s", kind, name)
			}
		}
	}
}
