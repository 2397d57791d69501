# Makes this machine a node: installs the bundle whose digest it is told, and has containerd and the agent run.
# Told by variables: CLUSTER REGION ENDPOINT CA BUNDLE_URL BUNDLE_SHA256 CLUSTER_CIDR SERVICE_CIDR CLUSTER_DNS ADVERTISE GATEWAY_PORT LOG_LEVEL RUN_BY (ECS_CLUSTER)
set -euo pipefail

ROOT=${ROOT:-}
IMDS=${IMDS:-http://169.254.169.254}
home=$ROOT/opt/kumulus
etc=$ROOT/etc/kumulus
state=/var/lib/kumulus
run=/run/kumulus

say() { echo "kumulus: $*"; }

# Instance metadata, version 2 alone ("Use IMDSv2").
imds_token=$(curl -sSf --retry 5 --retry-connrefused -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$IMDS/latest/api/token")
metadata() { curl -sSf --retry 5 -H "X-aws-ec2-metadata-token: $imds_token" "$IMDS/latest/meta-data/$1"; }

install_packages() {
  say 'installing containerd, CNI plugins and nftables'
  for attempt in 1 2 3 4 5; do
    dnf install -y containerd runc cni-plugins nftables iproute conntrack-tools && return
    say "attempt $attempt failed"
    sleep $((attempt * 5))
  done
  return 1
}

install_bundle() {
  mkdir -p "$home/$BUNDLE_SHA256"
  archive=$home/bundle.tar.gz
  case $BUNDLE_URL in
    s3://*) aws s3 cp --only-show-errors --region "$REGION" "$BUNDLE_URL" "$archive" ;;
    *) curl -sSf --retry 5 -o "$archive" "$BUNDLE_URL" ;;
  esac
  # Nothing of what was not meant is ever unpacked.
  echo "$BUNDLE_SHA256  $archive" | sha256sum --check --quiet --strict
  tar -xzf "$archive" -C "$home/$BUNDLE_SHA256" --no-same-owner
  rm -f "$archive"
  ln -sfn "$BUNDLE_SHA256" "$home/current"
}

kernel() {
  modprobe -a overlay br_netfilter nf_conntrack
  mkdir -p "$ROOT/etc/modules-load.d" "$ROOT/etc/sysctl.d"
  printf '%s\n' overlay br_netfilter nf_conntrack >"$ROOT/etc/modules-load.d/kumulus.conf"
  cat >"$ROOT/etc/sysctl.d/90-kumulus.conf" <<SYSCTL
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
fs.inotify.max_user_instances = 8192
fs.inotify.max_user_watches = 524288
SYSCTL
  sysctl --quiet --load "$ROOT/etc/sysctl.d/90-kumulus.conf"
}

cni_directory() {
  for directory in ${CNI_DIRECTORIES:-/usr/libexec/cni /usr/lib/cni /opt/cni/bin}; do
    if [ -x "$directory/bridge" ]; then
      echo "$directory"
      return
    fi
  done
  say 'the CNI plugins are in none of their places' >&2
  return 1
}

configure() {
  instance=$(metadata instance-id)
  zone=$(metadata placement/availability-zone)
  address=$(metadata local-ipv4)
  type=$(metadata instance-type)
  plugins=$(cni_directory)
  mkdir -p "$etc/cni" "$ROOT$state" "$ROOT/etc/systemd/system"
  echo "$CA" | base64 -d >"$etc/ca.crt"
  cat >"$etc/containerd.toml" <<TOML
version = 2
root = "$state/containerd"
state = "$run/containerd"

[grpc]
  address = "$run/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "kumulus.io/pause:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$plugins"
    conf_dir = "/etc/kumulus/cni"
TOML
  cat >"$etc/agent.json" <<JSON
{
  "nodeName": "$instance",
  "providerId": "aws:///$zone/$instance",
  "server": "$ENDPOINT",
  "iam": { "cluster": "$CLUSTER", "region": "$REGION" },
  "changes": { "region": "$REGION" },
  "apiProxy": "$ADVERTISE",
  "gatewayPort": $GATEWAY_PORT,
  "clientAuthority": "/etc/kumulus/ca.crt",
  "serverTLSBootstrap": true,
  "runtimeEndpoint": "unix://$run/containerd.sock",
  "stateDir": "$state/agent",
  "listenAddress": "$address",
  "listenPort": 10250,
  "nodeIp": "$address",
  "clusterDns": ["$CLUSTER_DNS"],
  "clusterDomain": "cluster.local",
  "clusterCidrs": ["$CLUSTER_CIDR"],
  "serviceCidrs": ["$SERVICE_CIDR"],
  "cniConfDir": "/etc/kumulus/cni",
  "cgroupRoot": "/kumulus",
  "nodeLabels": {
    "topology.kubernetes.io/region": "$REGION",
    "topology.kubernetes.io/zone": "$zone",
    "node.kubernetes.io/instance-type": "$type"
  },
  "logLevel": "$LOG_LEVEL",
  "parentLifeline": false
}
JSON
}

units() {
  cat >"$ROOT/etc/systemd/system/kumulus-containerd.service" <<UNIT
[Unit]
Description=containerd of the Kumulus node
After=network-online.target
Wants=network-online.target

[Service]
ExecStartPre=/bin/mkdir -p $run
ExecStart=/usr/bin/containerd --config /etc/kumulus/containerd.toml
ExecStartPost=/usr/bin/ctr --address $run/containerd.sock --namespace k8s.io images import /opt/kumulus/current/pause.tar
Type=notify
Delegate=yes
KillMode=process
OOMScoreAdjust=-999
LimitNOFILE=1048576
TasksMax=infinity
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
UNIT
  cat >"$ROOT/etc/systemd/system/kumulus-agent.service" <<UNIT
[Unit]
Description=Kumulus node agent
After=kumulus-containerd.service
Requires=kumulus-containerd.service

[Service]
Environment=AWS_REGION=$REGION
ExecStart=/opt/kumulus/current/node --disable-warning=ExperimentalWarning /opt/kumulus/current/agent.mjs --config /etc/kumulus/agent.json
KillMode=process
OOMScoreAdjust=-999
LimitNOFILE=1048576
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
UNIT
}

start() {
  systemctl daemon-reload
  systemctl enable --now kumulus-containerd.service
  case $RUN_BY in
    systemd) systemctl enable --now kumulus-agent.service ;;
    # The agent is a task there: the service's daemon on every machine of the cluster.
    ecs)
      mkdir -p "$ROOT/etc/ecs"
      echo "ECS_CLUSTER=$ECS_CLUSTER" >>"$ROOT/etc/ecs/ecs.config"
      ;;
  esac
}

install_packages
install_bundle
kernel
configure
units
start
say "this is node $instance of $CLUSTER"
