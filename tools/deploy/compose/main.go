// Command compose checks a Compose file against the specification: what it
// says, what it refers to, and with every profile on. Then it checks our own
// rules: exact tags, bounded memory, no port but on the loopback, nothing that
// Docker 20.10 lacks.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func main() {
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(path string) error {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithEnv(required(path)), cli.WithProfiles([]string{"*"}))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	var errs []error
	for name, s := range project.Services {
		for _, wrong := range wrongs(s) {
			errs = append(errs, fmt.Errorf("%s: %s", name, wrong))
		}
	}
	return errors.Join(errs...)
}

// required gives a value to what the file demands of its environment.
func required(path string) (environ []string) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	for _, part := range strings.Split(string(text), "${")[1:] {
		if name, _, demanded := strings.Cut(part, ":?}"); demanded && !strings.ContainsAny(name, "} \n") {
			environ = append(environ, name+"=x")
		}
	}
	return environ
}

func wrongs(s types.ServiceConfig) (wrong []string) {
	_, tag, tagged := strings.Cut(s.Image, ":")
	if !tagged || tag == "latest" {
		wrong = append(wrong, "the image has no exact tag")
	}
	if s.MemLimit == 0 {
		wrong = append(wrong, "its memory is not limited")
	}
	if s.HealthCheck != nil && s.HealthCheck.StartInterval != nil {
		wrong = append(wrong, "start_interval keeps it from Docker before version 25")
	}
	for _, p := range s.Ports {
		if p.HostIP != "127.0.0.1" {
			wrong = append(wrong, "a port is open to the network")
		}
	}
	return wrong
}
