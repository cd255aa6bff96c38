package main

import (
	"crypto/rand"
	"fmt"
	"strings"

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
made this moment and kept nowhere, as one JSON document. Create them once: the
engines keep the passwords that they started with.`,
		Example: "  souk secrets | kubectl create -f -",
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.printSecrets(namespace) },
	}
	cmd.Flags().StringVar(&namespace, "namespace", "souk", "where souk is deployed")
	return cmd
}

func (a *app) printSecrets(namespace string) error {
	signing, err := signingSecret()
	if err != nil {
		return err
	}
	databases, mariadb := databaseSecrets()
	provider := map[string]string{"api-key": rand.Text() + rand.Text(), "webhook-secrets": rand.Text() + rand.Text()}
	return a.printJSON(secretList{APIVersion: "v1", Kind: "List", Items: []secret{
		newSecret(namespace, "souk-jwt", signing), newSecret(namespace, "souk-databases", databases),
		newSecret(namespace, "souk-mariadb", mariadb), newSecret(namespace, "souk-psp", provider),
	}})
}

// secretList is what kubectl reads, in JSON: a List of Secrets.
type (
	secretList struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Items      []secret `json:"items"`
	}
	secret struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Metadata   metadata          `json:"metadata"`
		StringData map[string]string `json:"stringData"`
	}
	metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	}
)

func newSecret(namespace, name string, data map[string]string) secret {
	return secret{APIVersion: "v1", Kind: "Secret", Metadata: metadata{Name: name, Namespace: namespace}, StringData: data}
}

func signingSecret() (map[string]string, error) {
	private, public, err := auth.GenerateKey()
	return map[string]string{"private": private.Reveal(), "public": public}, err
}

// databaseSecrets are the services' accounts, and what makes them on a MariaDB
// that starts for the first time. Passwords are letters and digits.
func databaseSecrets() (dsns, mariadb map[string]string) {
	dsns = map[string]string{}
	var sql strings.Builder
	for _, name := range topology.Databases() {
		password := rand.Text()
		dsns[name] = fmt.Sprintf("mysql:%[1]s:%[2]s@tcp(mariadb:3306)/%[1]s", name, password)
		// Quoted: "order" is a word of SQL.
		fmt.Fprintf(&sql, "CREATE DATABASE `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n", name)
		fmt.Fprintf(&sql, "CREATE USER '%s'@'%%' IDENTIFIED BY '%s';\n", name, password)
		fmt.Fprintf(&sql, "GRANT ALL PRIVILEGES ON `%[1]s`.* TO '%[1]s'@'%%';\n", name)
	}
	return dsns, map[string]string{"root-password": rand.Text(), "init.sql": sql.String()}
}
