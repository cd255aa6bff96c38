package native

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

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

// places are what a configuration file leaves open, by name: ports and paths.
type places map[string]any

// render fills in a file of deploy/native/conf and writes it to path, which
// only its owner may read.
func render(name, path string, at places) error {
	text, err := renderText(name, at)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// renderText is os.Expand: text/template would keep every exported method of
// every type in the binary, see decision 0026.
func renderText(name string, at places) (string, error) {
	text, err := conf.Files.ReadFile(name)
	if err != nil {
		return "", err
	}
	filled := os.Expand(string(text), func(key string) string {
		value, ok := at[key]
		if !ok {
			err = errors.Join(err, fmt.Errorf("render %s: nothing to fill in for ${%s}", name, key))
		}
		return fmt.Sprint(value)
	})
	return filled, err
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
