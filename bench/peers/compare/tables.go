package compare

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Text writes both tables for a terminal.
func (r *Report) Text(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, r.Machine.line())
	what := ""
	for _, b := range r.Behaviours {
		if b.What != what {
			what = b.What
			fmt.Fprintf(tab, "\n%s: %s\n", b.Area, what)
		}
		fmt.Fprintf(tab, "  %s\t%s\t%s\n", b.Library, b.Verdict(), b.seen())
	}
	what = ""
	for _, f := range r.Figures {
		if f.What != what {
			what = f.What
			fmt.Fprintf(tab, "\n%s: %s\t%s\t× ours\n", f.Area, what, strings.Join(f.Units, "\t"))
		}
		fmt.Fprintf(tab, "  %s\t%s\t%s\n", f.Library, strings.Join(f.cells(), "\t"), f.times())
	}
	return tab.Flush()
}

// Markdown writes both tables for a document.
func (r *Report) Markdown(w io.Writer) error {
	m := &markdown{w: w}
	m.line("%s.\n\n%s.\n", r.Machine.line(), r.Machine.libraries())
	if len(r.Behaviours) > 0 {
		m.line("| under this fault | library | | what was seen |\n|---|---|---|---|")
	}
	what := ""
	for _, b := range r.Behaviours {
		m.line("| %s | %s | %s | %s |", first(&what, b.Area+": "+b.What), emphasis(b.Library, b.Ours), b.Verdict(), b.seen())
	}
	what = ""
	for i, f := range r.Figures {
		if i == 0 {
			m.line("\n| measured | library | median | × ours |\n|---|---|---|---|")
		}
		m.line("| %s | %s | %s | %s |", first(&what, f.Area+": "+f.What), emphasis(f.Library, f.Ours), f.withUnits(), f.times())
	}
	return m.err
}

// markdown writes lines until one fails.
type markdown struct {
	w   io.Writer
	err error
}

func (m *markdown) line(format string, args ...any) {
	_, err := fmt.Fprintf(m.w, format+"\n", args...)
	m.err = errors.Join(m.err, err)
}

// first returns text where it begins, and nothing where it repeats.
func first(last *string, text string) string {
	if text == *last {
		return ""
	}
	*last = text
	return text
}

func emphasis(text string, strong bool) string {
	if strong {
		return "**" + text + "**"
	}
	return text
}

func (m Machine) line() string {
	return fmt.Sprintf("%s, %s, %d cores, load average %s before the run, Redis %s, Go %s", m.Date, m.CPU, m.Cores, m.Load, m.Redis, m.Go)
}

// libraries lists the versions compared, without the host they come from.
func (m Machine) libraries() string {
	out := make([]string, 0, len(m.Peers))
	for _, path := range slices.Sorted(maps.Keys(m.Peers)) {
		out = append(out, strings.TrimPrefix(path, "github.com/")+" "+m.Peers[path])
	}
	return strings.Join(out, ", ")
}

func (r BehaviourRow) seen() string {
	if r.Error != "" {
		return r.Error
	}
	return r.Seen
}

// cells are the medians, in three significant digits or whole numbers.
func (f FigureRow) cells() []string {
	if f.Error != "" {
		return []string{f.Error}
	}
	out := make([]string, len(f.Median))
	for i, v := range f.Median {
		out[i] = number(v)
	}
	return out
}

func (f FigureRow) withUnits() string {
	cells := f.cells()
	if f.Error == "" {
		for i := range cells {
			cells[i] += " " + f.Units[i]
		}
	}
	return strings.Join(cells, ", ")
}

func number(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.3g", v)
	}
	whole := fmt.Sprintf("%.0f", v)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole
}

func (f FigureRow) times() string {
	if f.TimesOurs == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", f.TimesOurs)
}
