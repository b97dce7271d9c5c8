# The package makes and starts a cluster of its own unless it is told not to.
conf=/etc/postgresql-common/createcluster.d/souk-without-main-cluster.conf
set -e
export DEBIAN_FRONTEND=noninteractive
mkdir -p "${conf%/*}"
trap 'rm -f "$conf"' EXIT
echo 'create_main_cluster = false' > "$conf"
apt-get update -qq || true
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 postgresql
