package deploy_test

import (
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// object is what this file reads of a manifest.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Selector map[string]any
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				TopologySpreadConstraints []struct {
					LabelSelector struct {
						MatchLabels map[string]string `yaml:"matchLabels"`
					} `yaml:"labelSelector"`
					MatchLabelKeys []string `yaml:"matchLabelKeys"`
				} `yaml:"topologySpreadConstraints"`
			}
		}
	}
}

// selects reports what the object's selector says about the pods of workload. An
// empty selector is that of all pods, except a Service's.
func (o object) selects(workload object) bool {
	wanted := o.Spec.Selector
	if o.Kind != "Service" {
		wanted, _ = wanted["matchLabels"].(map[string]any)
	}
	for key, value := range wanted {
		if workload.Spec.Template.Metadata.Labels[key] != value {
			return false
		}
	}
	return true
}

// A selector that is too wide is valid, and takes other services' pods: two
// disruption budgets of one pod, for one, forbid its node to be drained.
func TestEverySelectorIsOfOneWorkload(t *testing.T) {
	for _, overlay := range []string{"dev", "staging", "prod"} {
		t.Run(overlay, func(t *testing.T) { selectorsOfOneWorkload(t, manifests(t, overlay)) })
	}
}

func selectorsOfOneWorkload(t *testing.T, objects []object) {
	t.Helper()
	for _, o := range objects {
		if !slices.Contains([]string{"Service", "PodDisruptionBudget", "Deployment", "StatefulSet"}, o.Kind) {
			continue
		}
		var selected []string
		for _, workload := range objects {
			if len(workload.Spec.Template.Metadata.Labels) > 0 && o.selects(workload) {
				selected = append(selected, workload.Metadata.Name)
			}
		}
		if !slices.Equal(selected, []string{o.Metadata.Name}) {
			t.Errorf("%s %s selects the pods of %v", o.Kind, o.Metadata.Name, selected)
		}
	}
}

// The API server refuses pods for which a key stands in both, and takes the
// Deployment.
func TestPodsSpreadByEachLabelOnce(t *testing.T) {
	t.Parallel()
	spread := 0
	for _, o := range manifests(t, "dev") {
		for _, c := range o.Spec.Template.Spec.TopologySpreadConstraints {
			spread++
			for _, key := range c.MatchLabelKeys {
				if _, twice := c.LabelSelector.MatchLabels[key]; twice {
					t.Errorf("%s %s: %s is in matchLabelKeys and in labelSelector", o.Kind, o.Metadata.Name, key)
				}
			}
			if !maps.Equal(c.LabelSelector.MatchLabels, map[string]string{"app.kubernetes.io/name": o.Metadata.Name, "app.kubernetes.io/part-of": "souk"}) {
				t.Errorf("%s %s is spread with %v", o.Kind, o.Metadata.Name, c.LabelSelector.MatchLabels)
			}
		}
	}
	if spread == 0 {
		t.Error("nothing is spread")
	}
}

// manifests are the objects of k8s/all.yaml, which is dev, or of another overlay:
// these want kustomize, which make check-deploy puts into TOOLS.
func manifests(t *testing.T, overlay string) (objects []object) {
	t.Helper()
	for decoder := yaml.NewDecoder(strings.NewReader(render(t, overlay))); ; {
		var o object
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, o)
	}
}

func render(t *testing.T, overlay string) string {
	t.Helper()
	if overlay == "dev" {
		return read(t, "k8s/all.yaml")
	}
	tools, given := os.LookupEnv("TOOLS")
	if !given {
		t.Skip("make check-deploy gives the tool that renders overlays: TOOLS")
	}
	text, err := exec.CommandContext(t.Context(), tools+"/kustomize", "build", "k8s/overlays/"+overlay).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
