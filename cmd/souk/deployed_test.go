package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"souk.example/cmd/souk/internal/home"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/internal/embedded"
	"souk.example/pkg/auth"
	"souk.example/pkg/config"
	"souk.example/pkg/database"
)

func TestMigrateDatabasesElsewhere(t *testing.T) {
	ownHome(t)
	path := filepath.Join(t.TempDir(), "points.db")
	t.Setenv("SOUK_DATABASE_DSN_POINTS", "sqlite:"+path)
	for range 2 { // who comes second finds nothing to do
		if got := souk(t, "migrate", "points"); got.code != 0 {
			t.Fatalf("exit code %d: %v", got.code, got.err)
		}
	}
	db, err := database.Open(t.Context(), database.Config{DSN: config.Secret("sqlite:" + path)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var rows int
	if err := db.QueryRow(t.Context(), "SELECT COUNT(*) FROM points_account").Scan(&rows); err != nil {
		t.Error("the schema is not there:", err)
	}
	if got := souk(t, "migrate"); got.code != 2 || !strings.Contains(got.err.Error(), "SOUK_DATABASE_DSN_USER") {
		t.Errorf("without the others' addresses: exit code %d, %v", got.code, got.err)
	}
}

func TestMintTokensForADevelopmentCluster(t *testing.T) {
	ownHome(t)
	for _, service := range []string{"user", "payment"} {
		t.Setenv("SOUK_DATABASE_DSN_"+strings.ToUpper(service), "sqlite:"+filepath.Join(t.TempDir(), service+".db"))
		if got := souk(t, "migrate", service); got.code != 0 {
			t.Fatalf("exit code %d: %v", got.code, got.err)
		}
	}
	if got := souk(t, "token", "--count", "2"); got.code != 2 || !strings.Contains(got.err.Error(), "SOUK_JWT_PRIVATE_KEY") {
		t.Errorf("without the cluster's key: exit code %d, %v", got.code, got.err)
	}
	private, public, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOUK_JWT_PRIVATE_KEY", private.Reveal())
	got := souk(t, "token", "--count", "2")
	verifier, err := auth.NewVerifier(auth.Config{PublicKeys: public})
	if err != nil || got.code != 0 {
		t.Fatal(got.code, got.err, err)
	}
	tokens := strings.Fields(got.stdout)
	if len(tokens) != 2 {
		t.Fatalf("%d tokens, want 2", len(tokens))
	}
	for _, token := range tokens {
		if claims, err := verifier.Verify(t.Context(), token); err != nil || claims.UserID == 0 {
			t.Errorf("the token of %+v is not the cluster's: %v", claims, err)
		}
	}
}

func TestElsewhereIsNotStartedHere(t *testing.T) {
	ownHome(t)
	t.Setenv("SOUK_DATABASE_DSN_ORDER", "mysql:order:secret@tcp(127.0.0.1:1)/order")
	for _, command := range [][]string{{"up"}, {"down"}, {"logs", "order"}} {
		got := souk(t, command...)
		if got.code != 2 {
			t.Errorf("souk %v: exit code %d", command, got.code)
		}
		if got.err != nil && strings.Contains(got.err.Error(), "secret") {
			t.Errorf("souk %v tells the password: %v", command, got.err)
		}
	}
}

func TestDemoDataIsNotForProduction(t *testing.T) {
	ownHome(t)
	t.Setenv("SOUK_ENV", "production")
	t.Setenv("SOUK_DATABASE_DSN_ORDER", "mysql:order:secret@tcp(127.0.0.1:1)/order")
	if got := souk(t, "seed"); got.code != 2 || !strings.Contains(got.err.Error(), "production") {
		t.Errorf("exit code %d, %v", got.code, got.err)
	}
}

func TestRunWantsAService(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"none":             {[]string{"run"}, 2},
		"unknown":          {[]string{"run", "orders"}, 2},
		"help":             {[]string{"run", "--help"}, 0},
		"a service's help": {[]string{"run", "order", "--help"}, 0},
		"a wrong setting":  {[]string{"run", "order", "--http-addr"}, 2},
		"no database":      {[]string{"run", "user", "--database-dsn", "nonsense"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := souk(t, c.args...); got.code != c.want {
				t.Errorf("exit code %d, want %d: %v", got.code, c.want, got.err)
			}
		})
	}
}

func TestSecretsAreNewEachTime(t *testing.T) {
	ownHome(t)
	one, other := secrets(t, "souk"), secrets(t, "bazaar")
	for name, data := range one {
		for key, value := range data {
			if value == "" || value == other[name][key] {
				t.Errorf("%s of %s is %q twice", key, name, value)
			}
		}
	}
	for _, service := range topology.Databases() {
		dsn := one["souk-databases"][service]
		_, password, _ := strings.Cut(strings.TrimSuffix(dsn, "@tcp(mariadb:3306)/"+service), "mysql:"+service+":")
		if !strings.Contains(one["souk-mariadb"]["init.sql"], "CREATE USER '"+service+"'@'%' IDENTIFIED BY '"+password+"';\n") {
			t.Errorf("MariaDB does not know the account of %s", dsn)
		}
	}
}

// secrets are what is printed, by the Secret's name.
func secrets(t *testing.T, namespace string) map[string]map[string]string {
	t.Helper()
	got := souk(t, "secrets", "--namespace", namespace)
	var list secretList
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || len(list.Items) != 4 {
		t.Fatalf("exit code %d, %d secrets, %v: %s", got.code, len(list.Items), err, got.stdout)
	}
	all := map[string]map[string]string{}
	for _, s := range list.Items {
		if s.Metadata.Namespace != namespace {
			t.Errorf("%s is in %q, want %q", s.Metadata.Name, s.Metadata.Namespace, namespace)
		}
		all[s.Metadata.Name] = s.StringData
	}
	return all
}

// fakeDocker stands in for docker: it notes its arguments and its environment,
// and cannot bring anything up.
func fakeDocker(t *testing.T) (calls, environ string) {
	t.Helper()
	dir := t.TempDir()
	calls, environ = filepath.Join(dir, "calls"), filepath.Join(dir, "environ")
	script := "#!/bin/sh\necho \"$*\" >>" + calls + "\nenv >" + environ + "\ncase \"$*\" in *' up '*) exit 1;; esac\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return calls, environ
}

func TestUpInContainersTellsComposeEverything(t *testing.T) {
	ownHome(t)
	t.Chdir("../..")
	calls, environ := fakeDocker(t)
	if got := souk(t, "up", "--infra", "docker", "--replicas", "2"); got.code != 2 || !strings.Contains(got.err.Error(), "docker compose up") {
		t.Fatalf("exit code %d, %v", got.code, got.err)
	}
	said := read(t, calls)
	for _, want := range []string{"build gateway", "create", "up --detach --wait"} {
		if !strings.Contains(said, "--project-name souk-19000 --file deploy/compose/compose.yaml --profile replicas "+want+"\n") {
			t.Errorf("docker was called with\n%s", said)
		}
	}
	given := "\n" + read(t, environ)
	for _, part := range strings.Split(read(t, composeFile), "${")[1:] {
		name, _, _ := strings.Cut(part, ":")
		if name != "SOUK_IMAGE" && name != "SOUK_TRACE_SAMPLE_RATIO" && !strings.Contains(given, "\n"+name+"=") {
			t.Errorf("%s is not given", name)
		}
	}
}

// A first build takes minutes longer than souk takes to start.
func TestTheTimeoutIsNotForTheBuild(t *testing.T) {
	ownHome(t)
	t.Chdir("../..")
	calls, _ := fakeDocker(t)
	got := souk(t, "up", "--infra", "docker", "--timeout", "1ns")
	if !errors.Is(got.err, context.DeadlineExceeded) || !strings.Contains(read(t, calls), " build gateway\n") {
		t.Errorf("%v, and docker was called with\n%s", got.err, read(t, calls))
	}
}

func TestUpInContainersWantsDocker(t *testing.T) {
	ownHome(t)
	t.Chdir("../..")
	t.Setenv("PATH", t.TempDir())
	for name, args := range map[string][]string{
		"no docker":         {"up", "--infra", "docker"},
		"too many replicas": {"up", "--infra", "docker", "--replicas", "3"},
	} {
		if got := souk(t, args...); got.code != 2 {
			t.Errorf("%s: exit code %d, %v", name, got.code, got.err)
		}
	}
	if got := souk(t, "up", "--infra", "docker"); !strings.Contains(got.err.Error(), "install Docker") {
		t.Errorf("it says %v", got.err)
	}
}

// What could not be had is not what souk runs on from then on.
func TestAFailedUpIsNotRemembered(t *testing.T) {
	ownHome(t)
	t.Chdir("../..")
	t.Setenv("PATH", t.TempDir())
	if got := souk(t, "up", "--infra", "docker"); got.code != 2 {
		t.Fatalf("exit code %d", got.code)
	}
	if got := souk(t, "down", "--wipe"); got.code != 0 {
		t.Errorf("down wants docker: %v", got.err)
	}
}

func TestContainersAreRead(t *testing.T) {
	got, err := parseContainers("order 12 healthy\nredis 13 starting\njaeger 14 healthy\n")
	if err != nil || got["order"] != (container{12, true}) || got["redis"] != (container{13, false}) || len(got) != 3 {
		t.Errorf("read %v, %v", got, err)
	}
	if _, err := parseContainers("order x healthy\n"); err == nil {
		t.Error("a line without a process was read")
	}
}

// The provider's record is of the payments that one kind of engines keeps.
func TestEnginesDoNotShareAProvider(t *testing.T) {
	h, err := home.At(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	got, err := nativePlatform{app: &app{home: h}}.dsn(topology.PSP)
	if err != nil || got == config.Secret(embedded.DSN(h.Data(), topology.PSP)) {
		t.Errorf("on native engines it is kept at %s, %v", got.Reveal(), err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
