// In place of the package that spells hosts, as addresses stay what was written.
export default {};
