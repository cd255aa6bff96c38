package main

import (
	"slices"
	"strings"
	"testing"

	"souk.example/bench/peers/compare"
)

func TestEveryAreaSaysWhatAndHasOurs(t *testing.T) {
	for _, area := range areas() {
		if len(area.Behaviours) == 0 || len(area.Figures) == 0 {
			t.Errorf("%s is not compared in both", area.Name)
		}
		for _, b := range area.Behaviours {
			if b.What == "" || b.Ours.Run == nil || len(b.Peers) == 0 {
				t.Errorf("%s: %q lacks a side", area.Name, b.What)
			}
		}
		for _, f := range area.Figures {
			ours := slices.ContainsFunc(f.Cases, func(c compare.Case) bool { return c.Ours })
			if !ours || len(f.Cases) < 2 || len(f.Units) == 0 {
				t.Errorf("%s: %q lacks a side or a unit", area.Name, f.What)
			}
		}
	}
}

func TestFlags(t *testing.T) {
	for _, bad := range [][]string{{"--rounds", "0"}, {"--json", "--markdown"}, {"cache"}, {"--nonsense"}} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
	f, err := parse([]string{"--only", "idgen,cache", "--figures=false"})
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := choose(areas(), f)
	if err != nil || !slices.Equal(names(chosen), []string{"idgen", "cache"}) {
		t.Errorf("chose %v, %v", names(chosen), err)
	}
	if len(chosen[0].Figures) > 0 {
		t.Error("figures were chosen")
	}
	f.only = "nonsense"
	if _, err := choose(areas(), f); err == nil || !strings.Contains(err.Error(), "redlock") {
		t.Errorf("an unknown area: %v", err)
	}
}
