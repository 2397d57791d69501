#!/bin/sh
# Builds a small web server as a container image from Debian's busybox-static, without a registry or a container engine.
#   sh examples/hello/build.sh 1.0 hello-1.0.tar
# writes an archive (as docker save does) with the image hello:1.0.
set -eu
version=${1:?usage: build.sh VERSION FILE}
file=${2:?usage: build.sh VERSION FILE}
busybox=$(command -v busybox) || { echo "busybox is missing: apt-get install busybox-static" >&2; exit 1; }
if ldd "$busybox" >/dev/null 2>&1; then
  echo "$busybox needs shared libraries: apt-get install busybox-static" >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/layer/bin" "$work/layer/www" "$work/layer/tmp"
cp "$busybox" "$work/layer/bin/busybox"
for applet in sh cat echo env hostname httpd id kill ls mkdir ps sleep wget nslookup; do
  ln -s busybox "$work/layer/bin/$applet"
done
cat >"$work/layer/bin/serve" <<'SERVE'
#!/bin/sh
echo "hello $VERSION from $HOSTNAME" >/www/index.html
echo "serving version $VERSION on port 8080"
# A container's first process ignores SIGTERM unless it says what to do with it.
trap 'kill $!; exit 0' TERM INT
httpd -f -v -p 8080 -h /www &
wait
SERVE
chmod 755 "$work/layer/bin/serve"

tar -C "$work/layer" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$work/layer.tar" .
layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
cat >"$work/config.json" <<CONFIG
{"architecture":"$arch","os":"linux","config":{"Cmd":["/bin/serve"],"Env":["PATH=/bin","VERSION=$version"],"ExposedPorts":{"8080/tcp":{}}},"rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[]}
CONFIG
echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"hello:$version\"],\"Layers\":[\"layer.tar\"]}]" >"$work/manifest.json"
tar -C "$work" -cf "$file" manifest.json config.json layer.tar
echo "wrote $file with the image hello:$version"
