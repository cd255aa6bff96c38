package empty_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"souk.example/cmd/souk/internal/bench/empty"
	"souk.example/cmd/souk/internal/bench/empty/emptytest"
)

// child, when set, makes this test binary an empty handler.
const child = "SOUK_TEST_EMPTY_HANDLER"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		if err := empty.Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func program(t *testing.T) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), child+"=1")
	return cmd
}

func ask(t *testing.T, s empty.Server, method, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); len(body) != 0 || err != nil {
		t.Errorf("body %q, %v", body, err)
	}
	return resp.StatusCode
}

func TestAHandlerAnswersAndEnds(t *testing.T) {
	for name, start := range map[string]func() (empty.Server, error){
		"in a process of its own": func() (empty.Server, error) { return empty.Start(t.Context(), program(t)) },
		"in this process":         func() (empty.Server, error) { return emptytest.Start(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := start()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []string{"POST /v1/orders", "GET /v1/products/A"} {
				method, path, _ := strings.Cut(r, " ")
				if got := ask(t, s, method, path); got != http.StatusOK {
					t.Errorf("%s is answered with %d", r, got)
				}
			}
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whoever started it may be killed: its end of the pipe goes with it.
func TestAHandlerEndsWithWhoStartedIt(t *testing.T) {
	cmd := program(t)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWhatDoesNotSayWhereItListens(t *testing.T) {
	if _, err := empty.Start(t.Context(), exec.CommandContext(t.Context(), "true")); err == nil {
		t.Error("no error")
	}
}
