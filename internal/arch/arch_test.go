// Package arch holds the tests that keep the architecture what it is said to be.
package arch

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var frameworks = []string{
	"github.com/gin-gonic/gin", "gorm.io/", "github.com/IBM/sarama", "github.com/redis/", "go.uber.org/fx",
	"database/sql", "souk.example/pkg/database", "souk.example/pkg/httpserver",
}

// The domain packages, services/X/internal/X, import no framework, not even
// through a package of ours: what an order is does not depend on gin.
func TestDomainImportsNoFramework(t *testing.T) {
	domains, err := filepath.Glob("../../services/*/internal/*")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, dir := range domains {
		service := filepath.Base(filepath.Dir(filepath.Dir(dir)))
		if filepath.Base(dir) != service {
			continue
		}
		checked++
		t.Run(service, func(t *testing.T) {
			for _, dep := range list(t, dir, nil, "-deps", ".") {
				for _, f := range frameworks {
					if strings.HasPrefix(dep, f) {
						t.Errorf("the domain of %s depends on %s", service, dep)
					}
				}
			}
		})
	}
	if checked < 5 {
		t.Errorf("found only %d domain packages", checked)
	}
}

// A service sees its own packages, contracts and the shared layer, no other service.
func TestServicesShareOnlyContracts(t *testing.T) {
	services, err := filepath.Glob("../../services/*/module.go")
	if err != nil || len(services) == 0 {
		t.Fatalf("no services found: %v", err)
	}
	for _, module := range services {
		dir := filepath.Dir(module)
		own := "souk.example/services/" + filepath.Base(dir)
		for _, dep := range list(t, dir, nil, "-deps", "./...") {
			if strings.HasPrefix(dep, "souk.example/services/") && dep != own && !strings.HasPrefix(dep, own+"/") {
				t.Errorf("%s depends on %s", own, dep)
			}
		}
	}
}

// The shared layer is a module of its own that knows neither fx nor contracts.
func TestSharedLayerStandsAlone(t *testing.T) {
	for _, dep := range list(t, "../../pkg", nil, "-deps", "./...") {
		if strings.HasPrefix(dep, "go.uber.org/fx") || strings.HasPrefix(dep, "souk.example/contracts") || strings.HasPrefix(dep, "souk.example/services") {
			t.Errorf("pkg depends on %s", dep)
		}
	}
}

// Images build with GOWORK=off: they must get the versions that were tested.
func TestVersionsAreTheSameWithoutTheWorkspace(t *testing.T) {
	with := versions(t, os.Environ())
	without := versions(t, append(os.Environ(), "GOWORK=off"))
	for module, version := range without {
		if w, ok := with[module]; ok && w != version {
			t.Errorf("%s is %s in the workspace and %s without it", module, w, version)
		}
	}
}

func versions(t *testing.T, env []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, line := range list(t, "../..", env, "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", "./...") {
		module, version, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(module, "souk.example") { // our own have no version in a workspace
			found[module] = version
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d modules found", len(found))
	}
	return found
}

func list(t *testing.T, dir string, env []string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list in %s: %v\n%s", dir, err, stderr(err))
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func stderr(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(exit.Stderr)
	}
	return ""
}
