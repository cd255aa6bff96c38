package observability_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"souk.example/contracts"
)

func exprOf(t *testing.T, alert string) string {
	t.Helper()
	for _, r := range rulesOf(t) {
		if r.name == alert {
			return r.expr
		}
	}
	t.Fatalf("no alert %s", alert)
	return ""
}

// Where no pod is left there is no series: a sum over none is never 0.
func TestAServiceThatIsGoneIsMissed(t *testing.T) {
	expr := exprOf(t, "ServiceDown")
	for service := range registeredMetrics(t)["souk_build_info"].services {
		if absent := fmt.Sprintf("or absent(up{service=%q})", service); service != "psp" && !strings.Contains(expr, absent) {
			t.Errorf("ServiceDown lacks %s", absent)
		}
	}
}

var electors = regexp.MustCompile(`redlock\.NewElector\((?:\w+, ("[^"]+"))?`)

func TestALeaderThatIsGoneIsMissed(t *testing.T) {
	expr := exprOf(t, "NobodyLeads")
	found := electors.FindAllStringSubmatch(sources(t, "services")["services"], -1)
	if len(found) == 0 {
		t.Fatal("no service has an elector")
	}
	for _, m := range found {
		if absent := "or absent(souk_elector_leader{name=" + m[1] + "})"; !strings.Contains(expr, absent) {
			t.Errorf("NobodyLeads lacks %s", absent)
		}
	}
}

// A service relays every partition of every topic, whoever writes to it.
func TestEveryPartitionIsToBeRelayed(t *testing.T) {
	want := fmt.Sprintf("sum by (service) (souk_outbox_owned_partitions) < %d", len(contracts.Topics())*contracts.Partitions)
	if expr := exprOf(t, "NobodyRelays"); expr != want {
		t.Errorf("NobodyRelays asks %s, want %s", expr, want)
	}
}
