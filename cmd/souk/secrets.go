package main

import (
	"crypto/rand"
	"text/template"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/topology"
	"souk.example/pkg/auth"
)

func secretsCommand(a *app) *cobra.Command {
	var namespace string
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "Print new Kubernetes Secrets for a development cluster",
		Long: `Print the Secrets that deploy/k8s/overlays/dev refers to, with passwords and keys
made this moment and kept nowhere. Create them once: the engines keep the
passwords that they started with.`,
		Example: "  souk secrets | kubectl create -f -",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.printSecrets(namespace) },
	}
	cmd.Flags().StringVar(&namespace, "namespace", "souk", "where souk is deployed")
	return cmd
}

func (a *app) printSecrets(namespace string) error {
	private, public, err := auth.GenerateKey()
	if err != nil {
		return err
	}
	passwords := map[string]string{}
	for _, name := range topology.Databases() {
		passwords[name] = rand.Text()
	}
	return secretsTemplate().Execute(a.stdout, map[string]any{
		"Namespace": namespace, "Passwords": passwords, "Root": rand.Text(), "Q": "`", // "order" is a word of SQL
		"Private": private.Reveal(), "Public": public,
		"APIKey": rand.Text() + rand.Text(), "Webhook": rand.Text() + rand.Text(),
	})
}

// secretsTemplate needs no quoting: what is filled in is letters, digits and
// base64.
func secretsTemplate() *template.Template {
	return template.Must(template.New("secrets").Parse(`# Made by souk secrets, for development.
apiVersion: v1
kind: Secret
metadata:
  name: souk-databases
  namespace: {{.Namespace}}
stringData:
{{- range $name, $password := .Passwords}}
  {{$name}}: "mysql:{{$name}}:{{$password}}@tcp(mariadb:3306)/{{$name}}"
{{- end}}
---
apiVersion: v1
kind: Secret
metadata:
  name: souk-mariadb
  namespace: {{.Namespace}}
stringData:
  root-password: "{{.Root}}"
  init.sql: |
{{- range $name, $password := .Passwords}}
    CREATE DATABASE {{$.Q}}{{$name}}{{$.Q}} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    CREATE USER '{{$name}}'@'%' IDENTIFIED BY '{{$password}}';
    GRANT ALL PRIVILEGES ON {{$.Q}}{{$name}}{{$.Q}}.* TO '{{$name}}'@'%';
{{- end}}
---
apiVersion: v1
kind: Secret
metadata:
  name: souk-jwt
  namespace: {{.Namespace}}
stringData:
  private: "{{.Private}}"
  public: "{{.Public}}"
---
apiVersion: v1
kind: Secret
metadata:
  name: souk-psp
  namespace: {{.Namespace}}
stringData:
  api-key: "{{.APIKey}}"
  webhook-secrets: "{{.Webhook}}"
`))
}
