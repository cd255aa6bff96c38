package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/console"
	"souk.example/cmd/souk/internal/home"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/pkg/plaintext"
)

// app is what every command works with. It is filled before a command runs.
type app struct {
	stdout   io.Writer // results; escapes what would steer a terminal
	stderr   io.Writer
	progress *console.Console // on stderr
	home     home.Home
	portBase int  // of this environment; what runs may have another
	json     bool // one JSON document on stdout

	documented bool // it has been printed

	setup     home.Setup // how souk was last started here; see use
	topology  topology.Topology
	addresses addresses
	platform  platform
}

// execute runs one command line. With --json stdout is a document also when the
// command fails before it has one.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	a := &app{stdout: plaintext.NewWriter(stdout), stderr: stderr, progress: console.New(stderr)}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && a.json && !a.documented {
		err = errors.Join(err, a.printJSONLine(map[string]string{"error": err.Error()}))
	}
	return err
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "souk",
		Short: "Run and inspect a souk",
		Long: `souk starts the whole platform on this machine, loads demo data, buys something,
checks that nothing was oversold, lost or charged twice, and shows what
happened to an order.

Environment: SOUK_HOME (default .souk) holds all state; SOUK_PORT_BASE (default
8080) is the gateway's port, from which the others follow. SOUK_DATABASE_DSN_ORDER
and its like make commands look at a souk that runs elsewhere.`,
		Example:           "  souk up\n  souk smoke\n  souk audit\n  souk down",
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.configure(os.Getenv) },
	}
	root.AddCommand(
		upCommand(a), downCommand(a), infraCommand(a), statusCommand(a), logsCommand(a), seedCommand(a), tokenCommand(a),
		smokeCommand(a), demoCommand(a), auditCommand(a), orderCommand(a), eventsCommand(a), dlqCommand(a), sagaCommand(a), replayCommand(a), benchCommand(a), versionCommand(a), serveCommand(a), runCommand(), migrateCommand(a), secretsCommand(a), probeCommand(),
	)
	for _, cmd := range root.Commands() {
		if cmd.HasSubCommands() {
			cmd.Args, cmd.RunE, cmd.SuggestionsMinimumDistance = aSubcommand, showHelp, 2
		}
	}
	return root
}

// aSubcommand refuses what is none; cobra by itself would print the help and
// exit with 0.
func aSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w; did you mean %s?", err, strings.Join(near, " or "))
	}
	return err
}

func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

func (a *app) configure(getenv func(string) string) error {
	dir := getenv("SOUK_HOME")
	if dir == "" {
		dir = home.Default
	}
	h, err := home.At(dir)
	if err != nil {
		return err
	}
	a.home, a.portBase = h, topology.DefaultPortBase
	if s := getenv("SOUK_PORT_BASE"); s != "" {
		if a.portBase, err = strconv.Atoi(s); err != nil {
			return fmt.Errorf("SOUK_PORT_BASE is %q: want a port number", s)
		}
	}
	if _, err := topology.New(a.portBase, 1); err != nil {
		return err
	}
	elsewhere, err := loadDeployed(os.Environ())
	if err != nil {
		return err
	}
	if elsewhere.known() {
		a.useDeployed(elsewhere)
		return nil
	}
	return a.recall()
}

// recall makes the app work with what was last started in its home.
func (a *app) recall() error {
	last, err := a.home.Setup()
	if err != nil {
		return err
	}
	if last == (home.Setup{}) {
		last = home.Setup{Infra: embeddedMode, PortBase: a.portBase, Replicas: 1}
	}
	return a.use(last)
}

// checkSpan refuses a time in which nothing can be done.
func checkSpan(flag string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("--%s is %s: want more than 0s", flag, d)
	}
	return nil
}

func (a *app) jsonFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.json, "json", false, "print one JSON document on stdout")
}

func (a *app) printJSON(v any) error {
	a.documented = true
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printJSONLine is for commands that print one document after the other.
func (a *app) printJSONLine(v any) error {
	a.documented = true
	return json.NewEncoder(a.stdout).Encode(v)
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.stdout, format, args...) }
