export default function area({ width, height }) {
  return width * height
}
