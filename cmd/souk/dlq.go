package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/cloudevents"
	"souk.example/contracts"
	"souk.example/pkg/inbox"
	"souk.example/pkg/plaintext"
)

func dlqCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dlq",
		Short: "Look at events that could not be applied, and decide about them",
		Long: `Look at events that could not be applied, and decide about them. Such an event
is tried again after 5 s, 1 m and 10 m, and the later events of its key wait for
it; then it is DEAD, and waits for a decision. What is decided here is carried
out by the group that the event belongs to, within a second while it runs.`,
	}
	cmd.AddCommand(dlqListCommand(a), dlqShowCommand(a), dlqRedriveCommand(a), dlqEditCommand(a), dlqDiscardCommand(a))
	return cmd
}

// groupServices are the services whose database a group's dead letters are in.
func groupServices() map[string]string {
	return map[string]string{
		contracts.GroupInventory: "inventory", contracts.GroupPayment: "payment", contracts.GroupPoints: "points",
		contracts.GroupOrder: "order", contracts.GroupOrderPrices: "order",
	}
}

// deadLetter is how a letter is printed; its ID is "group/number".
type deadLetter struct {
	ID         string             `json:"id"`
	Status     inbox.Status       `json:"status"`
	Class      string             `json:"class"`
	Type       string             `json:"type"`
	Key        string             `json:"key"`
	EventID    string             `json:"event_id"`
	Topic      string             `json:"topic"`
	Partition  int32              `json:"partition"`
	Offset     int64              `json:"offset"`
	Attempts   int                `json:"attempts"`
	Due        *time.Time         `json:"next_attempt_at,omitempty"`
	Error      string             `json:"error"`
	ResolvedBy string             `json:"resolved_by,omitempty"`
	Event      *cloudevents.Event `json:"event,omitempty"`
	Record     *undecodable       `json:"record,omitempty"`
}

func printable(l inbox.Letter) deadLetter {
	d := deadLetter{
		ID: fmt.Sprintf("%s/%d", l.Group, l.ID), Status: l.Status, Class: l.Class, Type: l.EventType, Key: l.Key, EventID: l.EventID,
		Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Attempts: l.Attempts, Error: firstLine(l.Error), ResolvedBy: l.ResolvedBy,
	}
	if !l.Due.IsZero() {
		d.Due = &l.Due
	}
	return d
}

// firstLine leaves out the stack of a panic.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// letterFilter is what the flags of ls and redrive select.
type letterFilter struct {
	inbox.Filter
	status string
}

func (f *letterFilter) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.Group, "group", "", "only of this consumer group")
	flags.StringVar(&f.Class, "class", "", "only of this class: "+strings.Join(classes(), ", "))
	flags.StringVar(&f.EventType, "type", "", "only of this event type")
	flags.StringVar(&f.Key, "key", "", "only of this key: an order id, or a SKU")
	flags.IntVar(&f.Limit, "limit", 100, "at most this many of each group")
}

// classes are why an event can be set aside.
func classes() []string {
	return []string{"poison", "panic", "unknown_version", "behind", "undecodable"}
}

func (f *letterFilter) groups() ([]string, error) {
	if f.Class != "" && !slices.Contains(classes(), f.Class) {
		return nil, fmt.Errorf("no class %q; there are %s", f.Class, strings.Join(classes(), ", "))
	}
	if f.Limit < 1 {
		return nil, fmt.Errorf("--limit %d: want 1 or more", f.Limit)
	}
	all := slices.Sorted(maps.Keys(groupServices()))
	if f.Group == "" {
		return all, nil
	}
	if !slices.Contains(all, f.Group) {
		return nil, fmt.Errorf("no group %q; there are %s", f.Group, strings.Join(all, ", "))
	}
	return []string{f.Group}, nil
}

func dlqListCommand(a *app) *cobra.Command {
	var f letterFilter
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List what waits, or is dead",
		Example: "  souk dlq ls\n  souk dlq ls --status DEAD --group payment\n  souk dlq ls --status DISCARDED --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.listLetters(cmd.Context(), f) },
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.status, "status", "", "WAITING, DEAD, APPLIED or DISCARDED (default: the first two)")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) listLetters(ctx context.Context, f letterFilter) error {
	f.Status = inbox.Status(strings.ToUpper(f.status))
	if known := []inbox.Status{"", inbox.Waiting, inbox.Dead, inbox.Applied, inbox.Discarded}; !slices.Contains(known, f.Status) {
		return fmt.Errorf("no status %q; there are WAITING, DEAD, APPLIED and DISCARDED", f.status)
	}
	letters, err := a.findLetters(ctx, f)
	if err != nil {
		return err
	}
	found := make([]deadLetter, len(letters))
	for n, l := range letters {
		found[n] = printable(l)
	}
	if a.json {
		return a.printJSON(map[string]any{"dead_letters": found})
	}
	return a.printLetters(found)
}

func (a *app) printLetters(found []deadLetter) error {
	if len(found) == 0 {
		a.progress.Note("nothing is set aside")
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tSTATUS\tCLASS\tTYPE\tKEY\tATTEMPTS\tNEXT\tERROR")
	for _, l := range found {
		next := "-"
		if l.Due != nil {
			next = l.Due.Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%.80s\n", l.ID, l.Status, l.Class, l.Type, plaintext.Escape(l.Key), l.Attempts, next, plaintext.Escape(l.Error))
	}
	return table.Flush()
}

// findLetters asks the databases of the groups concerned.
func (a *app) findLetters(ctx context.Context, f letterFilter) (found []inbox.Letter, err error) {
	groups, err := f.groups()
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		f.Group = group
		err := a.withLetters(ctx, group, func(letters *inbox.Letters) error {
			of, err := letters.List(ctx, f.Filter)
			found = append(found, of...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// withLetters works on the dead letters of a group.
func (a *app) withLetters(ctx context.Context, group string, fn func(*inbox.Letters) error) error {
	db, err := a.openDatabase(ctx, groupServices()[group])
	if err != nil {
		return err
	}
	return errors.Join(fn(inbox.NewLetters(db)), db.Close())
}

// withLetter works on the letter that arg names.
func (a *app) withLetter(ctx context.Context, arg string, fn func(letters *inbox.Letters, id int64) error) error {
	group, number, _ := strings.Cut(arg, "/")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || groupServices()[group] == "" {
		return fmt.Errorf("%q is no dead letter's id: want GROUP/NUMBER, as `souk dlq ls` prints it", arg)
	}
	err = a.withLetters(ctx, group, func(letters *inbox.Letters) error { return fn(letters, id) })
	if errors.Is(err, inbox.ErrNoLetter) {
		return no("there is no dead letter %s", arg)
	}
	return err
}

func dlqShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one, with the event as CloudEvents JSON",
		Long: "Show one, with the event as CloudEvents JSON, or how the record begins that cannot\n" +
			"be decoded. What a card is known by, and every longer word of such a record, is hidden.",
		Example: "  souk dlq show payment/7318349394477056",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withLetter(cmd.Context(), args[0], func(letters *inbox.Letters, id int64) error {
				l, err := letters.Get(cmd.Context(), id)
				if err != nil {
					return err
				}
				d := printable(l)
				d.Record = undecodableFrom(l.Record())
				if event, err := l.Event(); err == nil {
					ce := cloudevents.From(event)
					d.Event = &ce
				}
				return a.printJSON(d)
			})
		},
	}
	a.jsonFlag(cmd)
	return cmd
}
