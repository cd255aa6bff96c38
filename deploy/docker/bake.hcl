# make images. Two platforms, or an SBOM, need a builder that can keep them:
# the containerd image store, or a push to a registry (PUSH=true).
variable "IMAGE" { default = "souk" }
variable "VERSION" { default = "dev" }
variable "REVISION" { default = "unknown" }
variable "SOURCE_DATE_EPOCH" { default = "0" }
variable "PUSH" { default = "false" }
variable "PLATFORMS" { default = "linux/amd64,linux/arm64" }

target "default" {
  context    = "."
  dockerfile = "deploy/docker/Dockerfile"
  platforms  = split(",", PLATFORMS)
  tags       = ["${IMAGE}:${VERSION}"]
  args       = { VERSION = VERSION, REVISION = REVISION, SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH }
  attest     = ["type=sbom", "type=provenance,mode=max"]
  output     = ["type=image,push=${PUSH},rewrite-timestamp=true"]
}
