package native

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"text/template"

	"souk.example/deploy/native/conf"
)

// engine is what differs between Redis, Kafka and MariaDB.
type engine interface {
	name() Name
	// ports are all that it binds on 127.0.0.1, the one for clients first.
	ports() []int
	// port is where clients are told to find it: see Config.Behind.
	port() int
	// missing lists what is not installed.
	missing() []string
	// prepare writes the configuration and, the first time, makes the data
	// directory. It may be interrupted anywhere and run again.
	prepare(ctx context.Context) error
	// command runs the engine in the foreground. Valid after prepare.
	command() *exec.Cmd
	// ping asks the engine something in its own protocol.
	ping(ctx context.Context) error
}

// render fills in a template of deploy/native/conf and writes it to path, which
// only its owner may read.
func render(template, path string, values any) error {
	text, err := renderText(template, values)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func renderText(name string, values any) ([]byte, error) {
	t, err := template.New(name).Option("missingkey=error").ParseFS(conf.Files, name)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, values); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// systemDirs hold programs that an ordinary user's PATH leaves out.
func systemDirs() []string { return []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"} }

// program is the path of an installed program, "" when there is none.
func program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range systemDirs() {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// missingPrograms lists those of names that are not installed.
func missingPrograms(names ...string) []string {
	var missing []string
	for _, name := range names {
		if program(name) == "" {
			missing = append(missing, name)
		}
	}
	return missing
}

// runOnce runs a program that ends by itself; its output is in the error.
func runOnce(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, out)
	}
	return nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
