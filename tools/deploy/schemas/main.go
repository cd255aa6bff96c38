// Command schemas writes the JSON schemas that manifests are checked against:
// Kubernetes' own from its OpenAPI document, the others from their projects'
// CRDs. Nothing may stand in a manifest that its schema does not name.
//
//	schemas OUT kubernetes/api/openapi-spec/swagger.json CRD.yaml...
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// kinds are those that deploy/k8s uses.
const kinds = `Namespace ServiceAccount Service ConfigMap Secret Deployment StatefulSet Job CronJob
	PodDisruptionBudget HorizontalPodAutoscaler NetworkPolicy
	Gateway HTTPRoute VirtualService DestinationRule PeerAuthentication ScaledObject Rollout AnalysisTemplate
	PodMonitor PrometheusRule`

type object = map[string]any

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(out, swagger string, crds []string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := kubernetes(out, swagger); err != nil {
		return err
	}
	for _, path := range crds {
		if err := customs(out, path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// kubernetes writes one file with every definition that the kinds reach, and one
// per kind that points into it.
func kubernetes(out, swagger string) error {
	var doc struct{ Definitions map[string]object }
	text, err := os.ReadFile(swagger)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return err
	}
	doc.Definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = object{"type": []any{"string", "number"}}
	reached := map[string]any{}
	for name, schema := range doc.Definitions {
		for _, kind := range kindsOf(schema) {
			if err := write(out, kind, object{"$ref": "_definitions.json#/definitions/" + name}); err != nil {
				return err
			}
			reach(doc.Definitions, name, reached)
		}
	}
	return write(out, "_definitions", object{"definitions": reached})
}

// kindsOf names the wanted kinds that a definition is the schema of, as files.
func kindsOf(schema object) (files []string) {
	gvks, _ := schema["x-kubernetes-group-version-kind"].([]any)
	for _, g := range gvks {
		gvk := g.(object)
		for _, wanted := range strings.Fields(kinds) {
			if gvk["kind"] == wanted && len(gvks) == 1 {
				files = append(files, fileName(wanted, gvk["group"].(string), gvk["version"].(string)))
			}
		}
	}
	return files
}

// fileName is what kubeconform's {{.ResourceKind}}{{.KindSuffix}} comes to.
func fileName(kind, group, version string) string {
	group, _, _ = strings.Cut(group, ".")
	return strings.ToLower(strings.Trim(kind+"-"+group, "-") + "-" + version)
}

func reach(all map[string]object, name string, reached map[string]any) {
	if _, done := reached[name]; done {
		return
	}
	schema := tidy(map[string]any(all[name])).(object)
	reached[name] = schema
	for _, ref := range refs(schema) {
		reach(all, strings.TrimPrefix(ref, "#/definitions/"), reached)
	}
}

func refs(v any) (found []string) {
	switch v := v.(type) {
	case object:
		if ref, ok := v["$ref"].(string); ok {
			found = append(found, ref)
		}
		for _, inner := range v {
			found = append(found, refs(inner)...)
		}
	case []any:
		for _, inner := range v {
			found = append(found, refs(inner)...)
		}
	}
	return found
}

// customs writes the schema of the wanted kinds in a file of CRDs: their v1, or
// what they have instead.
func customs(out, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, doc := range strings.Split(string(text), "\n---") {
		var crd struct {
			Spec struct {
				Group    string
				Names    struct{ Kind string }
				Versions []struct {
					Name   string
					Schema struct{ OpenAPIV3Schema object }
				}
			}
		}
		if err := yaml.Unmarshal([]byte(doc), &crd); err != nil {
			return err
		}
		if !slices.Contains(strings.Fields(kinds), crd.Spec.Names.Kind) || strings.Contains(crd.Spec.Group, "x-k8s") {
			continue
		}
		for _, v := range crd.Spec.Versions {
			if v.Name != "v1" && len(crd.Spec.Versions) > 1 {
				continue
			}
			properties := v.Schema.OpenAPIV3Schema["properties"].(object)
			properties["apiVersion"], properties["kind"] = object{"type": "string"}, object{"type": "string"}
			properties["metadata"] = object{"type": "object"}
			if err := write(out, fileName(crd.Spec.Names.Kind, crd.Spec.Group, v.Name), tidy(v.Schema.OpenAPIV3Schema)); err != nil {
				return err
			}
		}
	}
	return nil
}

// tidy leaves out prose, and closes objects to what is not named.
func tidy(v any) any {
	switch v := v.(type) {
	case object:
		return tidyObject(v)
	case []any:
		for i := range v {
			v[i] = tidy(v[i])
		}
	}
	return v
}

func tidyObject(v object) object {
	tidied := object{}
	for name, inner := range v {
		if _, isText := inner.(string); name == "description" && isText || name == "x-kubernetes-validations" {
			continue
		}
		tidied[name] = tidy(inner)
	}
	_, open := v["x-kubernetes-preserve-unknown-fields"]
	_, mapped := v["additionalProperties"]
	if properties, isObject := v["properties"].(object); isObject && properties["properties"] == nil && !open && !mapped {
		tidied["additionalProperties"] = false
	}
	_, either := v["x-kubernetes-int-or-string"]
	if v["format"] == "int-or-string" || either {
		return object{"type": []any{"string", "integer"}}
	}
	return tidied
}

func write(out, name string, schema any) error {
	text, err := json.Marshal(schema)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, name+".json"), text, 0o644)
}
