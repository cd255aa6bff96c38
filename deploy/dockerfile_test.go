package deploy_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTheImageIsBuiltSafely(t *testing.T) {
	for _, fault := range faultsOf(read(t, "docker/Dockerfile"), read(t, "../.dockerignore")) {
		t.Error(fault)
	}
}

func TestAMistakeInTheDockerfileIsNoticed(t *testing.T) {
	dockerfile, ignore := read(t, "docker/Dockerfile"), read(t, "../.dockerignore")
	for name, c := range map[string]struct{ old, new, want string }{
		"a tag that moves":         {"golang:1.26.8-bookworm", "golang:1.26-bookworm", "no exact tag"},
		"no tag":                   {"golang:1.26.8-bookworm", "golang", "no exact tag"},
		"a base that moves":        {"${BASE_IMAGE}", "debian:bookworm", "no exact tag"},
		"the name of a user":       {"USER 65532:65532", "USER nonroot", "USER nonroot"},
		"root":                     {"USER 65532:65532", "USER 0", "USER 0"},
		"nobody":                   {"USER 65532:65532\n", "", "no USER"},
		"a user of another stage":  {"USER 65532:65532\n", "FROM scratch\n", "no USER"},
		"what a server has by now": {"COPY . .", "ADD https://example.com/souk.tar.gz .", "ADD"},
		"a package of any version": {"RUN --mount=type=cache,target=/cache go mod", "RUN apt-get update && \\\n apt-get install -y git curl=7.88.1-10 && go mod", "git has no version"},
		"everything in the image":  {"COPY --from=build /out/souk /souk", "COPY . /", "COPY . / in the last stage"},
		"a secret in a layer":      {"ARG GOPROXY", "ARG GOPROXY NPM_TOKEN", "NPM_TOKEN"},
		"a secret in the image":    {"ENTRYPOINT", "ENV SOUK_PSP_API_KEY=k\nENTRYPOINT", "SOUK_PSP_API_KEY"},
		"an ignore of nothing":     {"*\n!go.mod", "!go.mod", "ignores nothing"},
		"the history":              {"!go.sum\n", "!go.sum\n!.git\n", "!.git"},
		"the developer's keys":     {"!go.sum\n", "!go.sum\n!.souk\n", "!.souk"},
		"everything again":         {"!go.sum\n", "!go.sum\n!**\n", "!**"},
	} {
		t.Run(name, func(t *testing.T) {
			d, i := strings.Replace(dockerfile, c.old, c.new, 1), strings.Replace(ignore, c.old, c.new, 1)
			if d == dockerfile && i == ignore {
				t.Fatal("nothing was planted")
			}
			faults := faultsOf(d, i)
			if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, c.want) }) {
				t.Errorf("noticed %q", faults)
			}
		})
	}
}

// instruction is one of a Dockerfile, in one line.
type instruction struct{ word, rest string }

var (
	comment      = regexp.MustCompile(`(?m)^\s*#.*\n`)
	continuation = regexp.MustCompile(`\\\n\s*`)
	argument     = regexp.MustCompile(`(\w+)=(\S+)`)
	reference    = regexp.MustCompile(`\$\{(\w+)\}`)
	exact        = regexp.MustCompile(`(:v?\d+\.\d+\.\d+[\w.-]*|@sha256:[0-9a-f]{64})$`)
	numeric      = regexp.MustCompile(`^[1-9]\d*(:[1-9]\d*)?$`)
	secret       = regexp.MustCompile(`\b\w*(PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL)\w*`)
	installs     = regexp.MustCompile(`\b(?:apt-get|apt|apk)\b[^&;|]*\b(?:install|add)\b([^&;|]*)`)
)

func instructionsOf(dockerfile string) (all []instruction) {
	text := continuation.ReplaceAllString(comment.ReplaceAllString(dockerfile, ""), " ")
	for line := range strings.Lines(text) {
		if word, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all = append(all, instruction{strings.ToUpper(word), strings.TrimSpace(rest)})
		}
	}
	return all
}

// faultsOf are what is wrong with a Dockerfile and its .dockerignore.
func faultsOf(dockerfile, ignore string) []string {
	all := instructionsOf(dockerfile)
	return slices.Concat(movingBases(all), layers(all), lastStage(all), context(ignore))
}

// movingBases are images that may be others tomorrow. Distroless images have no
// numbered tags: who releases names its digest as BASE_IMAGE.
func movingBases(all []instruction) (faults []string) {
	defaults, stages := map[string]string{}, map[string]bool{"scratch": true}
	for _, in := range all {
		switch in.word {
		case "ARG":
			for _, m := range argument.FindAllStringSubmatch(in.rest, -1) {
				defaults[m[1]] = m[2]
			}
		case "FROM":
			words := slices.DeleteFunc(strings.Fields(in.rest), func(w string) bool { return strings.HasPrefix(w, "--") })
			image := reference.ReplaceAllStringFunc(words[0], func(r string) string { return defaults[r[2:len(r)-1]] })
			if !stages[image] && !exact.MatchString(image) && image != "gcr.io/distroless/static-debian12:nonroot" {
				faults = append(faults, image+" has no exact tag")
			}
			stages[words[len(words)-1]] = true
		}
	}
	return faults
}

// layers are what no instruction may bring into one.
func layers(all []instruction) (faults []string) {
	for _, in := range all {
		switch in.word {
		case "ADD":
			faults = append(faults, "ADD takes what a server, or an archive, has by then: "+in.rest)
		case "ARG", "ENV":
			if name := secret.FindString(in.rest); name != "" {
				faults = append(faults, in.word+" keeps a secret in the image: "+name)
			}
		case "RUN":
			faults = append(faults, unpinned(in.rest)...)
		}
	}
	return faults
}

func unpinned(command string) (faults []string) {
	for _, m := range installs.FindAllStringSubmatch(command, -1) {
		for word := range strings.FieldsSeq(m[1]) {
			if !strings.HasPrefix(word, "-") && !strings.Contains(word, "=") {
				faults = append(faults, word+" has no version")
			}
		}
	}
	return faults
}

// lastStage is the image: nobody's files but the build's, and not root's process.
func lastStage(all []instruction) (faults []string) {
	user := ""
	for _, in := range all {
		switch in.word {
		case "FROM":
			user, faults = "", nil
		case "USER":
			user = in.rest
		case "COPY":
			if !strings.HasPrefix(in.rest, "--from=") {
				faults = append(faults, fmt.Sprintf("COPY %s in the last stage", in.rest))
			}
		}
	}
	if user == "" {
		return append(faults, "no USER in the last stage")
	}
	if !numeric.MatchString(user) {
		faults = append(faults, "USER "+user+" is no number above 0, which Kubernetes can tell from root")
	}
	return faults
}

// sent are what of the repository the builder may see.
var sent = regexp.MustCompile(`^!(go\.(mod|sum)|cmd|contracts|internal|pkg|sandbox|services|deploy/native/conf)$`)

func context(ignore string) (faults []string) {
	lines := strings.Split(strings.TrimSpace(comment.ReplaceAllString(ignore, "")), "\n")
	if lines[0] != "*" {
		faults = append(faults, ".dockerignore ignores nothing unless it is named")
	}
	for _, line := range lines {
		if strings.HasPrefix(line, "!") && !sent.MatchString(line) {
			faults = append(faults, line+" is no source of the image")
		}
	}
	return faults
}

var images = regexp.MustCompile(`(?m)^\s*(?:- )?image: (\S+)$`)

// An engine that is another tomorrow is nobody's choice.
func TestEveryEngineHasAnExactTag(t *testing.T) {
	for _, path := range []string{"compose/compose.yaml", "k8s/all.yaml"} {
		found := images.FindAllStringSubmatch(read(t, path), -1)
		if len(found) == 0 {
			t.Errorf("%s runs no image", path)
		}
		for _, m := range found {
			if image := m[1]; !strings.Contains(image, "souk:") && !exact.MatchString(image) {
				t.Errorf("%s: %s has no exact tag", path, image)
			}
		}
	}
}
