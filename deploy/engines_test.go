package deploy_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A service that begins to use an engine would be kept from it by the network
// policies, and started before it by Compose.
func TestEveryServiceMayReachItsEngines(t *testing.T) {
	for _, service := range []string{"gateway", "user", "inventory", "order", "payment", "points"} {
		uses := enginesOf(t, service)
		pods := read(t, "k8s/base/"+service+"/kustomization.yaml")
		waits := composeService(t, service)
		for use, engine := range map[string]string{"sql": "mariadb", "kafka": "kafka", "redis": "redis"} {
			if got := strings.Contains(pods, "souk.example/uses-"+use+`: "true"`); got != uses[use] {
				t.Errorf("%s uses %s: %t; its pods say %t", service, use, uses[use], got)
			}
			if got := strings.Contains(waits, "      "+engine+": {condition: service_healthy}"); got != uses[use] {
				t.Errorf("%s uses %s: %t; it waits for it: %t", service, use, uses[use], got)
			}
		}
	}
}

// clients are the packages by which a service uses an engine.
var clients = map[string]string{
	"souk.example/pkg/database": "sql", "souk.example/pkg/inbox": "kafka", "souk.example/pkg/redisclient": "redis",
}

// enginesOf tells what a service's own code opens; its seed is a command's.
func enginesOf(t *testing.T, service string) map[string]bool {
	t.Helper()
	uses := map[string]bool{}
	err := filepath.WalkDir("../services/"+service, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "/seed.go") {
			return err
		}
		text := read(t, path)
		for client, engine := range clients {
			uses[engine] = uses[engine] || strings.Contains(text, `"`+client+`"`)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return uses
}

func composeService(t *testing.T, name string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^  ` + name + `:\n((?:    .*\n)+)`).FindStringSubmatch(read(t, "compose/compose.yaml"))
	if found == nil {
		t.Fatalf("Compose has no %s", name)
	}
	return found[1]
}
